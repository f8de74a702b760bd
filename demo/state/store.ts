/** A typed store: one state object, changed in one place, and listeners that hear of every change. */

/** Holds a state. `update` replaces some of its fields, and tells the listeners at once. */
export interface Store<S> {
  readonly state: S;
  update(change: Partial<S>): void;
  /** Registers a listener that receives the states after and before each change. Returns a function that removes it. */
  subscribe(listener: (state: S, before: S) => void): () => void;
}

/** Creates a store that begins with this state. */
export function createStore<S extends object>(initial: S): Store<S> {
  const listeners = new Set<(state: S, before: S) => void>();
  let state = initial;
  return {
    get state() {
      return state;
    },
    update(change) {
      const before = state;
      state = { ...state, ...change };
      for (const listener of listeners) listener(state, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Calls `render` with a part of the state: now, and each time one of the values in it has changed. */
export function watch<S, const T extends readonly unknown[]>(
  store: Store<S>,
  select: (state: S) => T,
  render: (...values: T) => void,
): void {
  let shown = select(store.state);
  render(...shown);
  store.subscribe((state) => {
    const next = select(state);
    if (next.every((value, i) => Object.is(value, shown[i]))) return;
    shown = next;
    render(...next);
  });
}
