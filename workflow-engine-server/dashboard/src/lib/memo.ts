// A component that is drawn again only when one of its properties changes.
import { Component, h, type FunctionComponent } from "preact";

export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
    class Memo extends Component<P> {
        override shouldComponentUpdate(next: P): boolean {
            const old = this.props as P;
            for (const name in next) if (next[name] !== old[name]) return true;
            for (const name in old) if (!(name in next)) return true;
            return false;
        }

        override render() {
            return h(inner, this.props as P);
        }
    }
    return Memo as unknown as FunctionComponent<P>;
}
