// The log of a batch, as it happens.
import { ActionIcon, Group, SegmentedControl, TextInput, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type BatchDetail, type LogLine, url } from '../api/client';
import { clock } from '../lib/format';
import * as Icons from './icons';
import { TextButton } from './parts';

/** The log: follows until somebody scrolls up, then offers the way back. */
export function Log({ batch, lines }: { batch: BatchDetail; lines: LogLine[] }) {
  const [level, setLevel] = useState('all');
  const [search, setSearch] = useState('');
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const wanted = search.toLowerCase();
    return lines
      .filter(
        (line) =>
          (level === 'all' || line.level === level || (level === 'warning' && line.level === 'error')) &&
          (wanted === '' || line.text.toLowerCase().includes(wanted)),
      )
      .slice(-300);
  }, [lines, level, search]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls whenever other lines are shown
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, following]);
  return (
    <>
      <Group justify="space-between" mb={6}>
        <h2 style={{ margin: 0 }}>Log</h2>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label="Which lines"
            value={level}
            onChange={setLevel}
            data={[
              { value: 'all', label: 'All' },
              { value: 'warning', label: 'Warnings' },
              { value: 'error', label: 'Errors' },
            ]}
          />
          <TextInput
            size="xs"
            w={140}
            aria-label="Search the log"
            placeholder="Search the log"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Tooltip label="The last 1,000 lines as JSON">
            <ActionIcon
              component="a"
              href={url(`/batches/${batch.id}/log?limit=1000`)}
              download={`${batch.name}-log.json`}
              variant="default"
              aria-label="Download the log"
            >
              <Icons.IconDown />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <div
        className="log mono"
        ref={box}
        role="log"
        aria-label="Log"
        aria-live="off"
        tabIndex={0}
        onScroll={(event) => {
          const it = event.currentTarget;
          setFollowing(it.scrollHeight - it.scrollTop - it.clientHeight < 24);
        }}
      >
        {shown.length === 0 && <div className="log-line faint">Nothing of this kind happened yet.</div>}
        {shown.map((line) => (
          <div className="log-line" key={line.id} data-level={line.level}>
            <span className="faint">{clock(line.time)}</span>
            <span title={line.level} aria-hidden="true">
              {line.level === 'error' ? '✕' : line.level === 'warning' ? '!' : '·'}
            </span>
            <span>
              {line.document != null && (
                <>
                  <Link
                    to="/batches/$batch/documents/$document"
                    params={{ batch: batch.id, document: String(line.document) }}
                  >
                    no. {line.document}
                  </Link>{' '}
                </>
              )}
              {line.text}
            </span>
          </div>
        ))}
      </div>
      <div style={{ minHeight: 24 }}>
        {!following && <TextButton onClick={() => setFollowing(true)}>Jump to the newest line</TextButton>}
      </div>
    </>
  );
}
