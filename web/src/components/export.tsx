// Results as files: written by the server in the background, fetched from here.
import { Button, Checkbox, Group, Modal, Progress, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Job, type Schemas, url } from '../api/client';
import { count, counted } from '../lib/format';
import { useMay } from '../lib/session';
import * as Icons from './icons';
import { Trouble } from './parts';

const formats = [
  { value: 'xlsx', label: 'Excel' },
  { value: 'csv', label: 'CSV' },
  { value: 'jsonl', label: 'JSON Lines' },
  { value: 'parquet', label: 'Parquet' },
];

/** A button that asks how, has the results written, and offers the files. */
export function ExportButton({ batch, filter = {} }: { batch: string; filter?: Schemas['DocumentFilter'] }) {
  const [opened, setOpened] = useState(false);
  if (!useMay('run')) return null;
  return (
    <>
      <Button variant="default" leftSection={<Icons.IconDown />} onClick={() => setOpened(true)}>
        Export
      </Button>
      {opened && <ExportDialog batch={batch} filter={filter} close={() => setOpened(false)} />}
    </>
  );
}

function ExportDialog({
  batch,
  filter,
  close,
}: {
  batch: string;
  filter: Schemas['DocumentFilter'];
  close: () => void;
}) {
  const [format, setFormat] = useState('xlsx');
  const [evidence, setEvidence] = useState(false);
  const [spreadsheet, setSpreadsheet] = useState(false);
  const [asked, setAsked] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const path = { path: { batch } };
  const body = {
    action: 'export',
    filter,
    documents: [],
    format,
    evidence,
    excel_safe: spreadsheet,
    bom: spreadsheet,
  };
  const size = useQuery({
    queryKey: ['job-count', batch, filter],
    queryFn: () => ask(api.POST('/api/v1/batches/{batch}/jobs/count', { params: path, body })),
  });
  const jobs = useQuery({
    queryKey: ['export', batch, asked],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/jobs', { params: path })),
    enabled: asked !== null,
    refetchInterval: (query) =>
      query.state.data?.jobs.find((job) => job.id === asked)?.state === 'running' ? 500 : false,
  });
  const job = jobs.data?.jobs.find((job) => job.id === asked);
  return (
    <Modal opened onClose={close} title="Export" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap="sm">
        <SegmentedControl
          value={format}
          onChange={(value) => {
            setFormat(value);
            setAsked(null);
          }}
          data={formats}
          aria-label="Format"
        />
        <Checkbox
          label="With where each value stands: page, quote, box"
          checked={evidence}
          onChange={(event) => {
            setEvidence(event.currentTarget.checked);
            setAsked(null);
          }}
        />
        {format === 'csv' && (
          <Checkbox
            label="For a spreadsheet: no text becomes a formula"
            checked={spreadsheet}
            onChange={(event) => {
              setSpreadsheet(event.currentTarget.checked);
              setAsked(null);
            }}
          />
        )}
        <Text size="sm" c="dimmed">
          {size.data
            ? `${size.data.is_exact ? '' : 'At least '}${counted(size.data.documents, 'document')}, corrections in place.`
            : 'Counting…'}{' '}
          {format === 'xlsx'
            ? 'Lists inside documents are sheets of their own.'
            : format !== 'jsonl' && 'Lists inside documents are files of their own.'}
        </Text>
        {error !== null && <Trouble error={error} />}
        {job ? (
          <Ready job={job} />
        ) : (
          <Group justify="flex-end">
            <Button
              loading={asked !== null}
              onClick={async () => {
                setError(null);
                try {
                  const made = await ask(api.POST('/api/v1/batches/{batch}/jobs', { params: path, body }));
                  setAsked(made.id);
                  await client.invalidateQueries({ queryKey: ['jobs', batch] });
                } catch (error) {
                  setError(error);
                }
              }}
            >
              Write the files
            </Button>
          </Group>
        )}
      </Stack>
    </Modal>
  );
}

function Ready({ job }: { job: Job }) {
  if (job.state === 'running')
    return (
      <div role="status">
        <Text size="sm">{`${count(job.done)} of ${count(job.total)} written. It goes on when this is closed.`}</Text>
        <Progress value={job.total > 0 ? (job.done / job.total) * 100 : 0} aria-label="Written" />
      </div>
    );
  if (job.state !== 'done') return <Text c="red">{job.message || job.state}</Text>;
  return (
    <Group role="status">
      {job.files.map((file) => (
        <Button
          key={file}
          component="a"
          leftSection={<Icons.IconDown />}
          href={url(`/jobs/${job.id}/files/${encodeURIComponent(file)}`)}
          download={file}
        >
          {file}
        </Button>
      ))}
    </Group>
  );
}
