// A time series, labelled directly. uPlot loads with the pages that draw.
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export type Line = { name: string; color: [light: string, dark: string]; values: (number | null)[]; fill?: boolean };

export const colors = {
  blue: ['#3b5bdb', '#91a7ff'],
  green: ['#2b8a3e', '#69db7c'],
  red: ['#c92a2a', '#ff8787'],
  violet: ['#6741d9', '#b197fc'],
  orange: ['#d9480f', '#ffa94d'],
} satisfies Record<string, [string, string]>;

export function Chart({
  title,
  times,
  span,
  lines,
  format,
  height = 150,
}: {
  title: string;
  /** Seconds. */
  times: number[];
  /** First and last second shown, however little is known of them. */
  span: [from: number, to: number];
  lines: Line[];
  format: (value: number) => string;
  height?: number;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme('light') === 'dark';
  const latest = useRef(format);
  latest.current = format;
  const shape = `${lines.map((line) => line.name).join()}|${dark}|${height}`;
  const data: UPlot.AlignedData = [times, ...lines.map((line) => line.values)];
  const fresh = useRef(data);
  fresh.current = data;
  const shown = useRef(span);
  shown.current = span;
  const plot = useRef<UPlot | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew only when its shape changes; new values are set below
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const ink = dark ? '#a3abb5' : '#5c6570';
    const grid = dark ? '#2a2e33' : '#eceff3';
    const made = new UPlot(
      {
        width: element.clientWidth || 300,
        height,
        cursor: { y: false },
        legend: { show: false },
        scales: { x: { range: () => shown.current }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { stroke: ink, grid: { show: false }, ticks: { stroke: grid }, font: '11px system-ui', size: 26 },
          {
            stroke: ink,
            grid: { stroke: grid, width: 1 },
            ticks: { show: false },
            font: '11px system-ui',
            size: 58,
            values: (_, values) => values.map((value) => latest.current(value)),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: line.color[dark ? 1 : 0],
            width: 1.5,
            fill: line.fill ? `${line.color[dark ? 1 : 0]}22` : undefined,
            // A line needs two points; what has fewer is drawn as points.
            points: {
              show: (plot: UPlot, index: number) => [...(plot.data[index] ?? [])].filter((it) => it != null).length < 3,
            },
          })),
        ],
      },
      fresh.current,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(data);
  });

  const last = (line: Line) => [...line.values].reverse().find((value) => value !== null);
  const summary = lines
    .map((line) => `${line.name} ${last(line) == null ? 'nothing yet' : format(last(line) as number)}`)
    .join(', ');
  return (
    <figure className="chart" style={{ margin: 0 }}>
      <figcaption className="chart-title">
        <span>{title}</span>
        <span>
          {lines.map((line) => (
            <span key={line.name} style={{ marginLeft: 12 }}>
              <span style={{ color: line.color[dark ? 1 : 0], fontWeight: 700 }} aria-hidden="true">
                ―
              </span>{' '}
              {lines.length > 1 && `${line.name} `}
              {last(line) == null ? '' : format(last(line) as number)}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={holder} style={{ height }} role="img" aria-label={`${title}: ${summary}`} />
    </figure>
  );
}
