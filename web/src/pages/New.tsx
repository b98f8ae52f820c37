// A new batch, on one page: documents, template, model, what it will cost, start.
import {
  Alert,
  Anchor,
  Autocomplete,
  Button,
  Checkbox,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { api, ask, ProblemError } from '../api/client';
import { Counted } from '../components/counted';
import { Trouble } from '../components/parts';
import { Drop, FolderInput, Preview } from '../components/sources';
import { counted } from '../lib/format';
import { useRemembered, useTitle } from '../lib/hooks';

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
  fallback: string;
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
  fallback: '',
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
            fallback: form.fallback
              .split(',')
              .map((model) => model.trim())
              .filter((model) => model !== ''),
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
          <TextInput
            label="When it cannot answer, ask"
            w={220}
            value={form.fallback}
            onChange={(event) => set({ fallback: event.currentTarget.value })}
            placeholder="openai/gpt-4o, …"
          />
        </Group>
      )}
    </>
  );
}
