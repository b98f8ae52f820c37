// The pages of a document, with the places of its values; text for formats without pages.
import { ActionIcon, Anchor, Badge, Button, Checkbox, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, ask, type Schemas, url } from '../api/client';
import { count, fieldName } from '../lib/format';
import { useKeys } from '../lib/hooks';
import * as Icons from './icons';
import { Marked } from './marked';
import { Loading } from './parts';

type Evidence = Schemas['EvidenceView'];
type Reading = Schemas['ReadingView'];

export const getReading = (batch: string, document: string) =>
  ask(
    api.GET('/api/v1/batches/{batch}/documents/{document}/reading', {
      params: { path: { batch, document: Number(document) }, query: {} },
    }),
  );
export const pageUrl = (batch: string, document: number | string, page: number, dpi = 110) =>
  url(`/batches/${batch}/documents/${document}/pages/${page}?dpi=${dpi}`);

export function Pages({
  batch,
  document,
  evidence,
  lit,
  setLit,
}: {
  batch: string;
  document: string;
  evidence: Evidence[];
  lit: string | null;
  setLit: (field: string | null) => void;
}) {
  const reading = useQuery({
    queryKey: ['reading', batch, document],
    queryFn: () => getReading(batch, document),
    staleTime: 300_000,
    retry: false,
  });
  const [zoom, setZoom] = useState<number | 'fit'>('fit');
  const [turn, setTurn] = useState(0);
  const [text, setText] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const step = (by: number) => setZoom((now) => Math.min(4, Math.max(0.25, (now === 'fit' ? 1 : now) * by)));
  useKeys({ '+': () => step(1.25), '=': () => step(1.25), '-': () => step(0.8), '0': () => setZoom('fit') });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another document lies upright
  useEffect(() => {
    setTurn(0);
    holder.current?.scrollTo(0, 0);
  }, [document]);
  useEffect(() => {
    if (!lit) return;
    const found = holder.current?.querySelector(`[data-field="${CSS.escape(lit)}"]`);
    found?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
  }, [lit]);

  return (
    <div style={{ display: 'flex', flexDirection: 'column', minHeight: 0, minWidth: 0 }}>
      <Group gap={6} mb={6}>
        <ActionIcon variant="default" aria-label="Zoom out" onClick={() => step(0.8)}>
          −
        </ActionIcon>
        <ActionIcon variant="default" aria-label="Zoom in" onClick={() => step(1.25)}>
          +
        </ActionIcon>
        <Button size="compact-sm" variant="default" onClick={() => setZoom('fit')}>
          Fit
        </Button>
        <ActionIcon variant="default" aria-label="Rotate" onClick={() => setTurn((now) => (now + 90) % 360)}>
          <Icons.IconRotate />
        </ActionIcon>
        <Checkbox size="xs" label="Text" checked={text} onChange={(event) => setText(event.currentTarget.checked)} />
        <Text size="sm" c="dimmed" ml="auto">
          {reading.data && `${count(reading.data.page_count)} page${reading.data.page_count === 1 ? '' : 's'}`}
        </Text>
      </Group>
      <section className="doc-pages" ref={holder} tabIndex={0} aria-label="Pages">
        {reading.isError && (
          <Text size="sm" c="dimmed" p="md">
            The pages cannot be shown: {reading.error.message}.{' '}
            <Anchor component="button" type="button" size="sm" onClick={() => void reading.refetch()}>
              Try again
            </Anchor>
          </Text>
        )}
        {reading.isPending && <Loading rows={1} height={400} />}
        {reading.data && <Findings findings={reading.data.findings} />}
        {reading.data?.pages.map((page) => (
          <Page
            key={page.number}
            batch={batch}
            document={document}
            page={page}
            reading={reading.data}
            evidence={evidence.filter((it) => it.page === page.number)}
            zoom={zoom}
            turn={turn}
            text={text}
            lit={lit}
            setLit={setLit}
          />
        ))}
      </section>
    </div>
  );
}

const KINDS: Record<string, { label: string; color: string }> = {
  not_read: { label: 'not read', color: 'red' },
  limit: { label: 'cut off', color: 'red' },
  doubtful: { label: 'doubtful', color: 'yellow' },
  note: { label: 'note', color: 'gray' },
};

/** What a person should know about the reading, before its pages: above all what is missing. */
function Findings({ findings }: { findings: Reading['findings'] }) {
  if (findings.length === 0) return null;
  return (
    <ul className="reading-findings" aria-label="About the reading">
      {findings.map((finding) => {
        const kind = KINDS[finding.kind] ?? { label: finding.kind, color: 'gray' };
        return (
          <li key={`${finding.kind}${finding.page ?? ''}${finding.message}`}>
            <Badge size="xs" variant="light" color={kind.color}>
              {kind.label}
            </Badge>{' '}
            <Text span size="sm" c={finding.kind === 'note' ? 'dimmed' : undefined}>
              {finding.page ? `Page ${finding.page}: ` : ''}
              {finding.message}
            </Text>
          </li>
        );
      })}
    </ul>
  );
}

function Page({
  batch,
  document,
  page,
  reading,
  evidence,
  zoom,
  turn,
  text,
  lit,
  setLit,
}: {
  batch: string;
  document: string;
  page: Reading['pages'][number];
  reading: Reading;
  evidence: Evidence[];
  zoom: number | 'fit';
  turn: number;
  text: boolean;
  lit: string | null;
  setLit: (field: string | null) => void;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(page.number <= 2);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const element = holder.current;
    if (!element || near) return;
    // A document of 300 pages loads those that are looked at.
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      { rootMargin: '800px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [near]);
  const pictures = reading.has_pictures && page.width > 0 && page.height > 0 && !failed;
  const wantsText = near && (text || !pictures);
  const whole = useQuery({
    queryKey: ['page', batch, document, page.number],
    queryFn: async () => {
      const answer = await ask(
        api.GET('/api/v1/batches/{batch}/documents/{document}/reading', {
          params: { path: { batch, document: Number(document) }, query: { page: page.number } },
        }),
      );
      return answer.pages.find((it) => it.number === page.number) ?? page;
    },
    enabled: wantsText,
    staleTime: 300_000,
    retry: false,
  });

  if (!pictures) {
    return (
      <div ref={holder} className="text-page">
        {page.label && <b>{page.label}</b>}
        {whole.data ? (
          <Marked text={whole.data.text ?? ''} evidence={evidence} lit={lit} setLit={setLit} focus={focusField} />
        ) : (
          <Loading rows={6} />
        )}
      </div>
    );
  }
  const dpi = zoom !== 'fit' && zoom > 1.4 ? 220 : 110;
  const sideways = turn % 180 !== 0;
  const width = zoom === 'fit' ? '100%' : `${page.width * zoom * 1.2}px`;
  return (
    <div
      ref={holder}
      style={{
        width,
        margin: '0 auto 12px',
        aspectRatio: sideways ? `${page.height} / ${page.width}` : `${page.width} / ${page.height}`,
        position: 'relative',
        overflow: 'hidden',
      }}
      data-page={page.number}
    >
      <div
        className="page"
        style={
          sideways
            ? {
                position: 'absolute',
                width: `${(page.width / page.height) * 100}%`,
                height: `${(page.height / page.width) * 100}%`,
                top: '50%',
                left: '50%',
                transform: `translate(-50%, -50%) rotate(${turn}deg)`,
                margin: 0,
              }
            : { width: '100%', height: '100%', transform: `rotate(${turn}deg)`, margin: 0 }
        }
      >
        {near && (
          <img
            src={pageUrl(batch, document, page.number, dpi)}
            alt={`Page ${page.number}`}
            onError={() => setFailed(true)}
            draggable={false}
          />
        )}
        <svg viewBox={`0 0 ${page.width} ${page.height}`} preserveAspectRatio="none" style={{ pointerEvents: 'none' }}>
          <title>Where values stand</title>
          {evidence.map((found) => {
            if (!found.bbox) return null;
            const [x0, y0, x1, y1] = found.bbox as [number, number, number, number];
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: the fields beside it are the way for keyboards
              <rect
                key={found.field}
                className="box"
                data-field={found.field}
                data-lit={lit === found.field}
                x={x0 - 2}
                y={y0 - 2}
                width={x1 - x0 + 4}
                height={y1 - y0 + 4}
                onMouseEnter={() => setLit(found.field)}
                onClick={() => focusField(found.field)}
              >
                <title>{`${fieldName(found.field)}: ${found.quote}`}</title>
              </rect>
            );
          })}
        </svg>
        {text && whole.data && (
          <div className="text-layer">
            {whole.data.words?.map((word, index) => {
              const [x0, y0, x1, y1] = word.bbox as [number, number, number, number];
              return (
                <span
                  // biome-ignore lint/suspicious/noArrayIndexKey: words have no other name
                  key={index}
                  style={{
                    left: `${(x0 / page.width) * 100}%`,
                    top: `${(y0 / page.height) * 100}%`,
                    width: `${((x1 - x0) / page.width) * 100}%`,
                    height: `${((y1 - y0) / page.height) * 100}%`,
                    fontSize: `${(y1 - y0) * 0.9}px`,
                    outline: '1px solid rgb(0 0 0 / 0.15)',
                  }}
                >
                  {`${word.text} `}
                </span>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

export function focusField(field: string) {
  document.querySelector<HTMLElement>(`[data-input="${CSS.escape(field)}"]`)?.focus();
}
