// A batch that was made: it is being counted, then waits for the word to start.
import { Alert, Anchor, Button, Group, NumberInput, Progress, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask, type BatchDetail, type Job, type Schemas } from '../api/client';
import { useStream } from '../api/live';
import { count, counted, money } from '../lib/format';
import { useMay } from '../lib/session';
import { EstimateTable } from './estimate';
import * as Icons from './icons';
import { Loading, Trouble } from './parts';

/** The batch is made: it is being counted, then waits for the word to start. */
export function Counted({ batch: id }: { batch: string }) {
  const mayRun = useMay('run');
  const client = useQueryClient();
  const navigate = useNavigate();
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
                  disabled={!mayRun || job?.state === 'running'}
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
