// Intervals as charts want them: every one there, those without anything happening too.

export type Grid<T> = {
  /** Seconds at which intervals begin. */
  times: number[];
  /** How much of each has passed, in minutes: the last is seldom whole. */
  minutes: number[];
  /** What happened in each, if anything. */
  at: (T | undefined)[];
  /** First and last second. */
  span: [number, number];
};

/** Puts points on a grid from the first moment to the last. */
export function grid<T extends { at: string }>(data: {
  from: string;
  to: string;
  step_ms: number;
  points: T[];
}): Grid<T> {
  const step = data.step_ms;
  const from = Math.floor(Date.parse(data.from) / step) * step;
  const to = Date.parse(data.to);
  const known = new Map(data.points.map((point) => [Date.parse(point.at), point]));
  const times: number[] = [];
  const minutes: number[] = [];
  const at: (T | undefined)[] = [];
  for (let time = from; time < to; time += step) {
    times.push(time / 1000);
    // A moment is no speed: less than a fifth of an interval counts as a fifth.
    minutes.push(Math.min(step, Math.max(to - time, step / 5)) / 60_000);
    at.push(known.get(time));
  }
  // A batch of three seconds is a point in a minute.
  return { times, minutes, at, span: [from / 1000, Math.max(to, from + 60_000) / 1000] };
}
