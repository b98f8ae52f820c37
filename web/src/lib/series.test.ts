import { expect, test } from 'vitest';
import { grid } from './series';

test('an hour without work is an hour of nothing, not a slope', () => {
  const points = [
    { at: '2026-03-01T10:00:00Z', n: 4 },
    { at: '2026-03-01T11:00:00Z', n: 6 },
  ];
  const { times, minutes, at, span } = grid({
    from: '2026-03-01T10:00:00.100Z',
    to: '2026-03-01T11:10:00Z',
    step_ms: 30 * 60_000,
    points,
  });
  expect(at.map((point) => point?.n)).toEqual([4, undefined, 6]);
  expect(times[1]! - times[0]!).toBe(1800);
  expect(minutes).toEqual([30, 30, 10]);
  expect(span).toEqual([Date.parse('2026-03-01T10:00:00Z') / 1000, Date.parse('2026-03-01T11:10:00Z') / 1000]);
});

test('a moment is shown within a minute', () => {
  const { span } = grid({ from: '2026-03-01T10:00:00Z', to: '2026-03-01T10:00:03Z', step_ms: 10_000, points: [] });
  expect(span[1] - span[0]).toBe(60);
});
