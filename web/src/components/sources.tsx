// Where documents come from: dropped here, a folder on the server; and what is there.
import { Anchor, Button, FileButton, Group, Loader, Modal, Progress, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, ask, ProblemError, url } from '../api/client';
import { bytes, count, counted, cut } from '../lib/format';
import { collect, type Found, Upload, type UploadState } from '../lib/upload';
import * as Icons from './icons';
import { Loading, Trouble } from './parts';

export function Drop({
  id,
  setId,
  setArrived,
}: {
  id: string;
  setId: (id: string) => void;
  setArrived: (arrived: boolean | null) => void;
}) {
  const [over, setOver] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const current = useRef<Upload | null>(null);
  const [state, setState] = useState<UploadState | null>(null);
  useEffect(() => setArrived(state ? state.done : null), [state, setArrived]);
  const begin = async (found: Promise<Found[]> | Found[]) => {
    setError(null);
    try {
      const files = await found;
      if (files.length === 0) return;
      if (current.current) {
        void current.current.add(files);
        return;
      }
      const made = await ask(api.POST('/api/v1/uploads'));
      setId(made.id);
      const upload = new Upload(url(`/uploads/${made.id}`), setState);
      current.current = upload;
      void upload.add(files);
    } catch (error) {
      setError(error);
    }
  };
  const again = () => {
    current.current?.stop();
    current.current = null;
    setId('');
    setState(null);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons inside are the way for keyboards */}
      <div
        className="drop"
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void begin(collect(event.dataTransfer));
        }}
      >
        <Text mb="xs">Drop files, folders or ZIP archives here</Text>
        <Group justify="center" gap="xs">
          <FileButton multiple onChange={(files) => void begin(files.map((file) => ({ path: file.name, file })))}>
            {(props) => (
              <Button {...props} variant="default" size="sm" leftSection={<Icons.IconFile />}>
                Choose files
              </Button>
            )}
          </FileButton>
          <FileButton
            multiple
            inputProps={{ webkitdirectory: '' } as Record<string, string>}
            onChange={(files) =>
              void begin(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })))
            }
          >
            {(props) => (
              <Button {...props} variant="default" size="sm" leftSection={<Icons.IconFolder />}>
                Choose a folder
              </Button>
            )}
          </FileButton>
        </Group>
      </div>
      {error !== null && <Trouble error={error} />}
      {id !== '' && state === null && (
        <Text size="sm" c="dimmed" mt="xs">
          The page was loaded anew; choose the documents again.
        </Text>
      )}
      {state && (
        <Stack gap={4} mt="xs" data-testid="upload">
          <Progress value={state.bytes === 0 ? 100 : (state.sent / state.bytes) * 100} aria-label="Upload" />
          <Group gap="sm">
            <Text size="sm">
              {counted(state.files, 'file')} · {count(state.filesDone)} there · {bytes(state.sent)} of{' '}
              {bytes(state.bytes)}
              {state.waiting && ' · the connection broke; going on as soon as the server answers'}
            </Text>
            <Anchor component="button" type="button" size="sm" onClick={again}>
              Begin anew
            </Anchor>
          </Group>
          {state.failures.map((failure) => (
            <Text size="sm" c="red" key={failure}>
              {failure}
            </Text>
          ))}
        </Stack>
      )}
    </>
  );
}

export function FolderInput({ value, set, error }: { value: string; set: (value: string) => void; error?: string }) {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState('');
  const folder = useQuery({
    queryKey: ['folders', at],
    queryFn: () => ask(api.GET('/api/v1/sources/folders', { params: { query: { path: at || undefined } } })),
    enabled: open,
    retry: false,
  });
  return (
    <>
      <Group align="flex-end" gap="xs">
        <TextInput
          style={{ flex: 1 }}
          label="Folder, file or ZIP archive"
          placeholder="/data/scans"
          value={value}
          error={error}
          onChange={(event) => set(event.currentTarget.value)}
        />
        <Button variant="default" onClick={() => setOpen(true)}>
          Browse
        </Button>
      </Group>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title="Folders on the server"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {folder.isError && <Trouble error={folder.error} />}
        {folder.isPending && <Loading />}
        {folder.data && (
          <Stack gap={2}>
            <Group justify="space-between">
              <Text size="sm" className="wrap-any" c="dimmed">
                {folder.data.path || 'Allowed folders'}
              </Text>
              {folder.data.path && (
                <Button
                  size="compact-sm"
                  onClick={() => {
                    set(folder.data.path);
                    setOpen(false);
                  }}
                >
                  Use this folder
                </Button>
              )}
            </Group>
            {(folder.data.above || folder.data.path) && (
              <Anchor
                component="button"
                type="button"
                size="sm"
                ta="left"
                onClick={() => setAt(folder.data.above ?? '')}
              >
                ‹ up
              </Anchor>
            )}
            {folder.data.entries.map((entry) => (
              <Anchor
                key={entry.path}
                component="button"
                type="button"
                size="sm"
                ta="left"
                c={entry.is_folder ? undefined : 'dimmed'}
                onClick={() => {
                  if (entry.is_folder) setAt(entry.path);
                  else {
                    set(entry.path);
                    setOpen(false);
                  }
                }}
              >
                {entry.is_folder ? '▸ ' : '  '}
                {entry.name} {!entry.is_folder && `(${bytes(entry.bytes)})`}
              </Anchor>
            ))}
            {folder.data.entries.length === 0 && <Text size="sm">It is empty.</Text>}
            {folder.data.is_cut && <Text size="sm">There is more; type the path.</Text>}
          </Stack>
        )}
      </Modal>
    </>
  );
}

export function Preview({ source }: { source: string }) {
  const [asked, setAsked] = useState(source);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(source), 350);
    return () => clearTimeout(timer);
  }, [source]);
  const preview = useQuery({
    queryKey: ['preview', asked],
    queryFn: ({ signal }) => ask(api.POST('/api/v1/sources/preview', { body: { sources: [asked] }, signal })),
    retry: false,
  });
  if (preview.isError) {
    return (
      <Text size="sm" c="red" mt="xs">
        {preview.error.message} {preview.error instanceof ProblemError && preview.error.hint}
      </Text>
    );
  }
  if (!preview.data) {
    return (
      <Group mt="xs" gap="xs">
        <Loader size="xs" />
        <Text size="sm">Looking…</Text>
      </Group>
    );
  }
  const { count: found, count_is_exact: exact, bytes: size, documents, notices } = preview.data;
  return (
    <div style={{ marginTop: 8 }} data-testid="preview">
      <Text size="sm" fw={600}>
        {exact ? '' : 'At least '}
        {counted(found, 'document')}, {bytes(size)}
      </Text>
      <Text size="sm" c="dimmed" className="wrap-any">
        {documents.map((doc) => cut(doc.name, 48)).join(' · ')}
        {found > documents.length && ' · …'}
      </Text>
      {notices.map((notice) => (
        <Text size="sm" c="orange" key={notice}>
          {notice}
        </Text>
      ))}
    </div>
  );
}
