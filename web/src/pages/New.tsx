// A new batch, on one page: documents, template, model, what it will cost, start.
import {
  Alert,
  Anchor,
  Autocomplete,
  Button,
  Checkbox,
  FileButton,
  Group,
  Loader,
  Modal,
  NumberInput,
  Progress,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { api, ask, type BatchDetail, type Job, ProblemError, type Schemas, url } from '../api/client';
import { useStream } from '../api/live';
import { EstimateTable } from '../components/estimate';
import * as Icons from '../components/icons';
import { Loading, Trouble } from '../components/parts';
import { bytes, count, counted, cut, money } from '../lib/format';
import { useRemembered, useTitle } from '../lib/hooks';
import { collect, type Found, Upload, type UploadState } from '../lib/upload';

const route = getRouteApi('/new');

type Kind = 'upload' | 'folder' | 'bucket';
type Form = {
  kind: Kind;
  folder: string;
  bucket: string;
  upload: string;
  template: string;
  text: string;
  ownText: boolean;
  model: string;
  rehearse: boolean;
  baseUrl: string;
  priceIn: string;
  priceOut: string;
  name: string;
  ocr: boolean;
  concurrency: number | string;
};
const initial: Form = {
  kind: 'upload',
  folder: '',
  bucket: '',
  upload: '',
  template: 'receipt',
  text: '',
  ownText: false,
  model: 'offline',
  rehearse: false,
  baseUrl: '',
  priceIn: '',
  priceOut: '',
  name: '',
  ocr: true,
  concurrency: '',
};

export default function New() {
  useTitle('New batch');
  const { batch } = route.useSearch();
  return batch ? <Counted batch={batch} /> : <Describe />;
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <section className="section" aria-label={title}>
      <h2>
        {number}. {title}
      </h2>
      {children}
    </section>
  );
}

function Describe() {
  const navigate = route.useNavigate();
  // What was typed survives a reload and a restarted server.
  const [form, setForm] = useRemembered<Form>('new', initial);
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError | null>(null);
  /** Whether all has arrived; null: nothing was chosen. How far it is only the upload itself draws: it changes often. */
  const [arrived, setArrived] = useState<boolean | null>(null);
  const source =
    form.kind === 'upload'
      ? form.upload && arrived
        ? `upload:${form.upload}`
        : ''
      : form.kind === 'folder'
        ? form.folder.trim()
        : form.bucket.trim();
  const uploading = form.kind === 'upload' && arrived === false;

  const make = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const made = await ask(
        api.POST('/api/v1/batches', {
          body: {
            name: form.name.trim() || undefined,
            sources: [source],
            template: form.ownText ? undefined : form.template,
            template_text: form.ownText ? form.text : undefined,
            model: form.rehearse && form.model !== 'offline' ? `sim/${form.model}` : form.model,
            base_url: form.baseUrl.trim() || undefined,
            price:
              form.priceIn !== '' && form.priceOut !== ''
                ? { input_usd_per_million: Number(form.priceIn), output_usd_per_million: Number(form.priceOut) }
                : undefined,
            concurrency: form.concurrency === '' ? undefined : Number(form.concurrency),
            ocr: form.ocr,
            start: false,
          },
        }),
      );
      setForm({ ...form, upload: '', name: '' });
      await navigate({ search: { batch: made.id } });
    } catch (error) {
      setProblem(error instanceof ProblemError ? error : new ProblemError(0, 'error', String(error)));
    } finally {
      setBusy(false);
    }
  };
  const about = (codes: string[]) =>
    problem && codes.includes(problem.code) ? [problem.message, problem.hint].filter(Boolean).join(' – ') : undefined;
  return (
    <Stack gap={0} maw={980}>
      <h1>New batch</h1>
      <Step number={1} title="Documents">
        <SegmentedControl
          mb="sm"
          aria-label="Where the documents are"
          value={form.kind}
          onChange={(kind) => set({ kind: kind as Kind })}
          data={[
            { value: 'upload', label: 'Upload' },
            { value: 'folder', label: 'Folder on the server' },
            { value: 'bucket', label: 'S3, Google, Azure' },
          ]}
        />
        <div hidden={form.kind !== 'upload'}>
          <Drop id={form.upload} setId={(upload) => set({ upload })} setArrived={setArrived} />
        </div>
        {form.kind === 'folder' && (
          <FolderInput value={form.folder} set={(folder) => set({ folder })} error={about(['source'])} />
        )}
        {form.kind === 'bucket' && (
          <TextInput
            label="Prefix"
            placeholder="s3://bucket/2024/"
            description="Credentials come from the server’s environment: AWS_*, GOOGLE_*, AZURE_*."
            value={form.bucket}
            error={about(['source'])}
            onChange={(event) => set({ bucket: event.currentTarget.value })}
          />
        )}
        {source !== '' && <Preview source={source} />}
      </Step>
      <Step number={2} title="What to take out">
        <TemplatePart form={form} set={set} source={source} error={about(['template'])} />
      </Step>
      <Step number={3} title="Model">
        <ModelPart
          form={form}
          set={set}
          error={about(['unknown_model', 'no_key', 'key_refused', 'unreachable', 'no_price'])}
          needsPrice={problem?.code === 'no_price' || form.baseUrl !== ''}
        />
      </Step>
      <Step number={4} title="Name">
        <Group align="flex-end">
          <TextInput
            label="Name"
            description="Empty: named after where the documents are"
            w={320}
            maxLength={200}
            value={form.name}
            error={about(['name'])}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <Checkbox
            mb={8}
            label="Read pictures of text"
            checked={form.ocr}
            onChange={(event) => set({ ocr: event.currentTarget.checked })}
          />
        </Group>
      </Step>
      <div className="sticky-foot">
        <Stack gap="xs">
          {problem &&
            !about([
              'source',
              'template',
              'unknown_model',
              'no_key',
              'key_refused',
              'unreachable',
              'no_price',
              'name',
            ]) && <Trouble error={problem} />}
          <Group>
            <Button onClick={() => void make()} loading={busy} disabled={source === '' || uploading}>
              Count and estimate
            </Button>
            <Text size="sm" c="dimmed">
              {uploading
                ? 'The upload is still under way.'
                : source === ''
                  ? 'Choose documents first.'
                  : 'Nothing is paid: every document is read, its tokens counted.'}
            </Text>
          </Group>
        </Stack>
      </div>
    </Stack>
  );
}

function Drop({
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

function FolderInput({ value, set, error }: { value: string; set: (value: string) => void; error?: string }) {
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

function Preview({ source }: { source: string }) {
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

function TemplatePart({
  form,
  set,
  source,
  error,
}: {
  form: Form;
  set: (change: Partial<Form>) => void;
  source: string;
  error?: string;
}) {
  const list = useQuery({ queryKey: ['templates'], queryFn: () => ask(api.GET('/api/v1/templates')) });
  const one = useQuery({
    queryKey: ['template', form.template],
    queryFn: () => ask(api.GET('/api/v1/templates/{name}', { params: { path: { name: form.template } } })),
    enabled: form.template !== '',
    retry: false,
  });
  const [text, setText] = useState(form.text);
  useEffect(() => {
    const timer = setTimeout(() => setText(form.text), 300);
    return () => clearTimeout(timer);
  }, [form.text]);
  const check = useQuery({
    queryKey: ['check', text],
    queryFn: ({ signal }) => ask(api.POST('/api/v1/templates/check', { body: { text }, signal })),
    enabled: form.ownText && text !== '',
    placeholderData: (before) => before,
  });
  const [drafting, setDrafting] = useState(false);
  const [draftError, setDraftError] = useState<unknown>(null);
  const draft = async () => {
    setDrafting(true);
    setDraftError(null);
    try {
      const made = await ask(api.POST('/api/v1/templates/draft', { body: { source } }));
      set({ ownText: true, text: made.text });
    } catch (error) {
      setDraftError(error);
    } finally {
      setDrafting(false);
    }
  };
  const fields = form.ownText ? check.data?.template?.fields : one.data?.fields;
  return (
    <>
      <Group align="flex-end" gap="xs">
        <Select
          label="Template"
          w={260}
          searchable
          value={form.ownText ? null : form.template}
          placeholder={form.ownText ? 'edited below' : undefined}
          error={form.ownText ? undefined : error}
          onChange={(template) => template && set({ template, ownText: false })}
          data={(list.data?.templates ?? []).map((template) => ({ value: template.name, label: template.name }))}
        />
        {!form.ownText && (
          <Button
            variant="default"
            disabled={!one.data}
            onClick={() => set({ ownText: true, text: one.data?.text ?? '' })}
          >
            Edit
          </Button>
        )}
        <Button variant="default" disabled={source === ''} loading={drafting} onClick={() => void draft()}>
          Draft from the first document
        </Button>
      </Group>
      {draftError !== null && <Trouble error={draftError} />}
      {!form.ownText && one.data && (
        <Text size="sm" mt={6}>
          {one.data.description}
        </Text>
      )}
      {form.ownText && (
        <>
          <Textarea
            mt="sm"
            label="Template (TOML, JSON, or a JSON Schema)"
            autosize
            minRows={8}
            maxRows={24}
            value={form.text}
            onChange={(event) => set({ text: event.currentTarget.value })}
            classNames={{ input: 'mono' }}
            error={error ?? check.data?.error ?? undefined}
            spellCheck={false}
          />
          {check.data?.template?.warnings.map((warning) => (
            <Text size="sm" c="orange" key={warning.at + warning.message}>
              {warning.at} {warning.message}
            </Text>
          ))}
          <Anchor component="button" type="button" size="sm" onClick={() => set({ ownText: false })}>
            Leave it as it was
          </Anchor>
        </>
      )}
      {fields && (
        <Text size="sm" c="dimmed" mt={4} className="wrap-any">
          {counted(fields.length, 'field')}: {fields.map((field) => field.name).join(', ')}
        </Text>
      )}
    </>
  );
}

function ModelPart({
  form,
  set,
  error,
  needsPrice,
}: {
  form: Form;
  set: (change: Partial<Form>) => void;
  error?: string;
  needsPrice: boolean;
}) {
  const models = useQuery({ queryKey: ['models'], queryFn: () => ask(api.GET('/api/v1/models')), staleTime: 60_000 });
  const known = models.data?.models.find((model) => model.name === form.model);
  const [more, setMore] = useState(form.baseUrl !== '');
  return (
    <>
      <Group align="flex-end" gap="xs">
        <Autocomplete
          label="Model"
          w={320}
          value={form.model}
          error={error}
          limit={50}
          onChange={(model) => set({ model })}
          data={(models.data?.models ?? []).map((model) => model.name)}
        />
        {form.model !== 'offline' && (
          <Checkbox
            mb={8}
            label="Rehearse: same speed and prices, no money"
            checked={form.rehearse}
            onChange={(event) => set({ rehearse: event.currentTarget.checked })}
          />
        )}
      </Group>
      <Text size="sm" c="dimmed" mt={4}>
        {form.model === 'offline'
          ? 'docmill’s own free extractor: quick and honest, but no language model. No key, no network.'
          : known
            ? `$${known.price.input_usd_per_million} in, $${known.price.output_usd_per_million} out per million tokens (${known.price.origin})${known.vision ? ', sees pictures' : ''}`
            : 'Not in the catalog: its price has to be typed.'}
      </Text>
      {known && !known.ready && !form.rehearse && (
        <Alert color="yellow" p="xs" mt="xs">
          {known.missing}, then start the server again; or rehearse.
        </Alert>
      )}
      <Anchor component="button" type="button" size="sm" mt={4} onClick={() => setMore(!more)} aria-expanded={more}>
        {more ? 'Less' : 'Own server, price, calls in flight'}
      </Anchor>
      {(more || needsPrice) && (
        <Group mt="xs" align="flex-end">
          <TextInput
            label="Address"
            placeholder="http://127.0.0.1:8000/v1"
            w={260}
            value={form.baseUrl}
            onChange={(event) => set({ baseUrl: event.currentTarget.value })}
          />
          <TextInput
            label="Price in, $ per million"
            w={150}
            value={form.priceIn}
            onChange={(event) => set({ priceIn: event.currentTarget.value })}
            placeholder="0 for free"
          />
          <TextInput
            label="Price out, $ per million"
            w={150}
            value={form.priceOut}
            onChange={(event) => set({ priceOut: event.currentTarget.value })}
            placeholder="0 for free"
          />
          <NumberInput
            label="Calls in flight"
            w={130}
            min={1}
            max={10_000}
            value={form.concurrency}
            onChange={(concurrency) => set({ concurrency })}
            placeholder="the model’s"
          />
        </Group>
      )}
    </>
  );
}

/** The batch is made: it is being counted, then waits for the word to start. */
function Counted({ batch: id }: { batch: string }) {
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const key = ['batch', id];
  const path = { path: { batch: id } };
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET('/api/v1/batches/{batch}', { params: path })) });
  const jobs = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/jobs', { params: path })),
  });
  useStream(
    `/batches/${encodeURIComponent(id)}/events`,
    {
      batch: (view: BatchDetail) => client.setQueryData<BatchDetail>(key, (old) => (old ? { ...old, ...view } : old)),
      jobs: (list: Job[]) => client.setQueryData(['jobs', id], { jobs: list }),
    },
    () =>
      Promise.all([
        client.refetchQueries({ queryKey: key }, { throwOnError: true }),
        client.refetchQueries({ queryKey: ['jobs', id] }),
      ]),
  );
  const batch = query.data;
  const estimate = batch?.estimate;
  const compare = useQuery({
    queryKey: ['compare', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/compare', { params: path })),
    enabled: !!estimate,
  });
  const [budget, setBudget] = useState<number | string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!batch) return <Loading />;
  const job = jobs.data?.jobs.find((it) => it.kind === 'prepare');
  const free = batch.price.input_usd_per_million === 0 && batch.price.output_usd_per_million === 0;
  const wall = budget ?? estimate?.recommended_budget_usd ?? '';
  const start = async () => {
    setBusy(true);
    setProblem(null);
    try {
      if (!free && wall !== '')
        await ask(api.PUT('/api/v1/batches/{batch}/budget', { params: path, body: { budget_usd: Number(wall) } }));
      await ask(api.POST('/api/v1/batches/{batch}/start', { params: path }));
      await navigate({ to: '/batches/$batch', params: { batch: id } });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack gap={0} maw={980}>
      <h1>{batch.name}</h1>
      <Text size="sm" c="dimmed">
        {batch.template} · {batch.model} · {counted(batch.documents.total, 'document')}
        {batch.documents.skipped > 0 && `, ${count(batch.documents.skipped)} of them skipped`}
      </Text>
      {job?.state === 'failed' && (
        <Alert color="red" mt="md" title="It could not be made ready" role="alert">
          {job.message}. <Link to="/new">Begin again</Link>
        </Alert>
      )}
      {job?.state === 'running' && (
        <section className="section" aria-label="Counting">
          <h2>{job.message || 'Getting ready'}</h2>
          <Progress value={job.total > 0 ? (job.done / job.total) * 100 : 100} animated aria-label="Counting" />
          <Text size="sm" mt={4} role="status">
            {job.total > 0 ? `${count(job.done)} of ${count(job.total)} counted` : `${count(job.done)} found`} · nothing
            is paid
          </Text>
        </section>
      )}
      {estimate && (
        <>
          <section className="section" aria-label="Estimate">
            <h2>What it will cost</h2>
            <EstimateTable estimate={estimate} />
          </section>
          {compare.data && <Models models={compare.data.models} current={batch.model} />}
          <div className="sticky-foot">
            <Stack gap="xs">
              {problem !== null && <Trouble error={problem} />}
              <Group align="flex-end">
                {!free && (
                  <NumberInput
                    label="Budget"
                    prefix="$"
                    w={160}
                    min={0}
                    decimalScale={4}
                    value={wall}
                    onChange={setBudget}
                    description={`${money(estimate.recommended_budget_usd)} recommended`}
                    inputWrapperOrder={['label', 'input', 'description']}
                  />
                )}
                <Button
                  size="md"
                  leftSection={<Icons.IconPlay />}
                  loading={busy}
                  onClick={() => void start()}
                  disabled={job?.state === 'running'}
                >
                  Start
                </Button>
                <Text size="sm" c="dimmed">
                  {free
                    ? 'The model is free: there is nothing to spend.'
                    : 'The budget is a wall: it is never passed, whatever happens.'}
                </Text>
              </Group>
            </Stack>
          </div>
        </>
      )}
    </Stack>
  );
}

function Models({ models, current }: { models: Schemas['Comparison'][]; current: string }) {
  const [all, setAll] = useState(false);
  const bare = current.replace(/^sim\//, '');
  const popular = models.filter(
    (model) =>
      model.ready ||
      model.model === bare ||
      /gpt-4o-mini$|gpt-4\.1(-mini)?$|gpt-5(-mini)?$|claude-(haiku|sonnet)-4-5$|gemini-2\.5-(flash|pro)$|mistral-small-latest$/.test(
        model.model,
      ),
  );
  const shown = all ? models : popular;
  return (
    <section className="section" aria-label="Models side by side">
      <h2>The same documents with other models</h2>
      <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
        <table className="list dense">
          <thead>
            <tr>
              <th>Model</th>
              <th className="num">Each</th>
              <th className="num">Cost</th>
              <th className="num">Budget</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((model) => (
              <tr key={model.model} data-current={model.model === bare}>
                <td>
                  {model.model} {!model.ready && <span className="faint">(no key here)</span>}
                </td>
                <td className="num">{money(model.cost_per_document_usd)}</td>
                <td className="num">{money(model.cost_usd)}</td>
                <td className="num">{money(model.recommended_budget_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Anchor component="button" type="button" size="sm" mt={4} onClick={() => setAll(!all)}>
        {all ? 'Fewer' : `All ${models.length}`}
      </Anchor>
      <Text size="sm" c="dimmed">
        From the tokens counted here; other models cut text into somewhat other tokens.
      </Text>
    </section>
  );
}
