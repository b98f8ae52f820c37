import { useEffect, useState } from 'react';

/** The time, anew every so often: for "3 min ago". */
export function useNow(every = 5_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
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
