import { useEffect, useState, useSyncExternalStore } from 'react';

const TICK_MS = 5_000;
const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
let time = Date.now();

const listen = (heard: () => void) => {
  listeners.add(heard);
  ticking ??= setInterval(() => {
    time = Date.now();
    for (const listener of listeners) listener();
  }, TICK_MS);
  return () => {
    listeners.delete(heard);
    if (listeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
};

/** The time, anew every few seconds: for "3 min ago". One clock for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => time);
}

/** Title of the window: what is open, and how far it is. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'docmill' : `${title} – docmill`;
  }, [title]);
}

/** Something small that this browser remembers. */
export function useRemembered<T>(name: string, initial: T): [T, (value: T) => void] {
  const key = `docmill.${name}`;
  const [value, setValue] = useState<T>(() => {
    try {
      const kept = localStorage.getItem(key);
      return kept === null ? initial : (JSON.parse(kept) as T);
    } catch {
      return initial;
    }
  });
  return [
    value,
    (next) => {
      setValue(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // A browser that keeps nothing forgets it with the page.
      }
    },
  ];
}

/** Escape leaves a field of the page, so that the page's keys work again. Dialogs and open lists take it themselves. */
export function useEscape(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.key !== 'Escape' || !target?.closest('main')) return;
      if (target.closest('[role=dialog]') || target.getAttribute('aria-expanded') === 'true') return;
      if (target.matches('input, textarea, select, [contenteditable=true]')) target.blur();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

/** Keys for the whole page; not while somebody types. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement | null;
      if (target?.closest('input, textarea, select, [contenteditable=true], [role=combobox], [role=dialog]')) return;
      const act = keys[event.key];
      if (act) {
        event.preventDefault();
        act(event);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}
