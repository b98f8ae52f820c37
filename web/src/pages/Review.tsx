// The review queue: what a person should look at first, how far they are, how right the results are.
import { Button, Group, Progress, Select, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { api, ask } from '../api/client';
import { Empty, Figure, Loading, Trouble } from '../components/parts';
import { State } from '../components/state';
import { count, counted, cut, fieldName, percent } from '../lib/format';
import { useRemembered, useTitle } from '../lib/hooks';

const route = getRouteApi('/review');

export default function Review() {
  useTitle('Review');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [reviewer, setReviewer] = useRemembered('reviewer', '');
  const batches = useQuery({
    queryKey: ['batches', 'for-review'],
    queryFn: () => ask(api.GET('/api/v1/batches', { params: { query: { limit: 200, sort: 'updated' } } })),
  });
  const withResults = batches.data?.batches.filter((batch) => batch.documents.completed > 0) ?? [];
  const id = search.batch ?? withResults[0]?.id;
  const batch = withResults.find((it) => it.id === id);
  const path = { path: { batch: id ?? '' } };
  const queue = useQuery({
    queryKey: ['queue', id],
    queryFn: () =>
      ask(
        api.GET('/api/v1/batches/{batch}/documents', {
          params: { ...path, query: { state: 'completed', review: 'none', sort: 'risk', order: 'desc', limit: 50 } },
        }),
      ),
    enabled: !!id,
  });
  const accuracy = useQuery({
    queryKey: ['accuracy', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/accuracy', { params: path })),
    enabled: !!id,
  });
  if (batches.isError) return <Trouble error={batches.error} retry={() => batches.refetch()} />;
  if (!batches.data) return <Loading />;
  if (!id || !batch) {
    return (
      <Empty title="Nothing to review yet">
        <Text>
          When documents are completed, those worth a look come here first: values that are not on the page, rules that
          are not met, doubtful scans.
        </Text>
        <Button component={Link} to="/">
          All batches
        </Button>
      </Empty>
    );
  }
  const said = accuracy.data;
  const reviewed = (said?.approved ?? 0) + (said?.rejected ?? 0);
  const list = { state: 'completed', review: 'none', sort: 'risk', order: 'desc' };
  const first = queue.data?.documents[0];
  return (
    <>
      <Group justify="space-between" mb="md">
        <h1>Review</h1>
        <Group gap="xs">
          <TextInput
            size="xs"
            aria-label="Your name"
            placeholder="Your name, for the history"
            w={190}
            value={reviewer}
            onChange={(event) => setReviewer(event.currentTarget.value)}
          />
          <Select
            size="xs"
            w={260}
            aria-label="Batch"
            value={id}
            allowDeselect={false}
            searchable
            onChange={(value) => navigate({ search: { batch: value ?? undefined } })}
            data={withResults.map((it) => ({ value: it.id, label: `${cut(it.name, 32)} (${it.short_id})` }))}
          />
        </Group>
      </Group>
      <div className="figures" style={{ alignItems: 'flex-end' }}>
        <Figure
          big
          label="Reviewed"
          value={`${count(reviewed)}`}
          note={`of ${counted(batch.documents.completed, 'result')}`}
        />
        <Figure
          label="Approved"
          value={count(said?.approved ?? 0)}
          note={said && said.approved > 0 ? `${percent(said.untouched / said.approved)} without a change` : ' '}
        />
        <Figure label="Rejected" value={count(said?.rejected ?? 0)} />
        <Figure label="Assigned" value={count(said?.assigned ?? 0)} />
        {first && (
          <Button
            component={Link}
            to="/batches/$batch/documents/$document"
            params={{ batch: id, document: String(first.document) } as never}
            search={list as never}
            mb="md"
          >
            Begin with the riskiest
          </Button>
        )}
        {(said?.approved ?? 0) > 0 && (
          <Button
            variant="default"
            mb="md"
            onClick={async () => {
              await ask(
                api.POST('/api/v1/batches/{batch}/jobs', {
                  params: path,
                  body: {
                    action: 'export',
                    filter: { review: 'approved' },
                    documents: [],
                    format: 'jsonl',
                    evidence: false,
                  },
                }),
              );
              notifications.show({ message: 'The approved results are being written; the batch’s page has the file.' });
            }}
          >
            Export as truth
          </Button>
        )}
      </div>
      <Progress
        mt={4}
        value={batch.documents.completed > 0 ? (reviewed / batch.documents.completed) * 100 : 0}
        color="green"
        aria-label="Reviewed"
      />
      <div className="two">
        <section className="section" aria-label="Queue">
          <h2>To look at, riskiest first</h2>
          {queue.isError && <Trouble error={queue.error} retry={() => queue.refetch()} />}
          {!queue.data ? (
            <Loading />
          ) : queue.data.documents.length === 0 ? (
            <Text size="sm">Everything is reviewed.</Text>
          ) : (
            <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
              <table className="list dense">
                <thead>
                  <tr>
                    <th className="num">Risk</th>
                    <th>Document</th>
                    <th>Review</th>
                  </tr>
                </thead>
                <tbody>
                  {queue.data.documents.map((doc) => (
                    <tr key={doc.document}>
                      <td className="num">{doc.risk}</td>
                      <td>
                        <Link
                          to="/batches/$batch/documents/$document"
                          params={{ batch: id, document: String(doc.document) }}
                          search={list}
                          title={doc.name}
                        >
                          {cut(doc.name, 48)}
                        </Link>
                      </td>
                      <td>{doc.review && <State of={doc.review} />}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
        <section className="section" aria-label="Accuracy">
          <h2>How right each field is</h2>
          {!said || said.fields.length === 0 ? (
            <Text size="sm">
              As approvals and corrections come in, the share of right values shows here for each field, with the
              interval that holds the truth (95 %).
            </Text>
          ) : (
            <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
              <table className="list dense">
                <thead>
                  <tr>
                    <th>Field</th>
                    <th className="num">Reviewed</th>
                    <th className="num">Right</th>
                    <th className="num">Probably between</th>
                  </tr>
                </thead>
                <tbody>
                  {said.fields.map((field) => (
                    <tr key={field.field}>
                      <td>{fieldName(field.field)}</td>
                      <td className="num">{count(field.reviewed)}</td>
                      <td className="num">{percent(field.share)}</td>
                      <td className="num">
                        {percent(field.low)} and {percent(field.high)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
      </div>
    </>
  );
}
