// Lines of a log that come on two ways: asked for, and as they happen.

/** Lines kept: what a person can still scroll through. */
const KEPT = 1_000;

/** All lines of both, each once, in order; the oldest are let go. */
export function merged<T extends { id: number }>(known: T[], more: T[]): T[] {
  const last = known.at(-1)?.id ?? 0;
  // Nearly always they are simply newer.
  if (more.every((line) => line.id > last)) return more.length === 0 ? known : [...known, ...more].slice(-KEPT);
  const lines = new Map([...known, ...more].map((line) => [line.id, line]));
  return [...lines.values()].sort((a, b) => a.id - b.id).slice(-KEPT);
}
