// A component that is drawn again only when one of its properties changes.
import { Component, h, type FunctionComponent } from "preact";

export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
    class Memo extends Component<P> {
        override shouldComponentUpdate(next: P): boolean {
            const names = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof P>;
            return [...names].some((name) => next[name] !== (this.props as P)[name]);
        }

        override render() {
            return h(inner, this.props as P);
        }
    }
    return Memo as unknown as FunctionComponent<P>;
}
