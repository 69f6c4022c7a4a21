// A dialog of the browser: it keeps the focus, and Escape closes it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
    title: string;
    onClose: () => void;
    children: ComponentChildren;
    /** The buttons. */
    foot?: ComponentChildren;
    isWide?: boolean;
    onSubmit?: () => void;
}

export function Dialog({ title, onClose, children, foot, isWide, onSubmit }: Props) {
    const element = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const dialog = element.current;
        const before = document.activeElement;
        dialog?.showModal();
        return () => {
            dialog?.close();
            if (before instanceof HTMLElement) before.focus();
        };
    }, []);
    return (
        <dialog
            ref={element}
            class={isWide ? "wide" : undefined}
            aria-labelledby="dialog-title"
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    onSubmit?.();
                }}
            >
                <div class="dialog-head">
                    <h2 id="dialog-title">{title}</h2>
                    <button type="button" class="button plain small" onClick={onClose}>
                        Close
                    </button>
                </div>
                <div class="dialog-body">{children}</div>
                {foot && <div class="dialog-foot">{foot}</div>}
            </form>
        </dialog>
    );
}
