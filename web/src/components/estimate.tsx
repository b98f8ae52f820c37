// What it will cost, by class; every figure explains itself.
import { Text, Tooltip } from '@mantine/core';
import type { Estimate } from '../api/client';
import { count, counted, duration, money, words } from '../lib/format';

const bounds: Record<string, string> = {
  concurrency: 'decided by the calls in flight',
  request_limit: 'decided by the provider’s limit on requests',
  token_limit: 'decided by the provider’s limit on tokens',
  reading: 'decided by reading the documents',
};

export function EstimateTable({ estimate }: { estimate: Estimate }) {
  const { price } = estimate;
  const explain = (row: Estimate['total']) =>
    `${count(row.input_tokens)} tokens in × $${price.input_usd_per_million} + ${count(row.output_tokens)} tokens out × $${price.output_usd_per_million}, per million (${price.origin})`;
  const rows = estimate.classes.length > 1 ? [...estimate.classes, estimate.total] : estimate.classes;
  const free = price.input_usd_per_million === 0 && price.output_usd_per_million === 0;
  const unreadable = Object.entries(estimate.unreadable);
  return (
    <>
      <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
        <table className="list">
          <thead>
            <tr>
              <th>Class</th>
              <th className="num">Documents</th>
              <th className="num">Pages</th>
              <th className="num">Tokens in</th>
              <th className="num">Tokens out</th>
              <th className="num">Each</th>
              <th className="num">Cost</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.class} style={row.class === 'total' ? { fontWeight: 650 } : undefined}>
                <td>{words(row.class)}</td>
                <td className="num">{count(row.documents)}</td>
                <td className="num">{count(row.pages)}</td>
                <td className="num">{count(row.input_tokens)}</td>
                <td className="num">{count(row.output_tokens)}</td>
                <td className="num">{money(row.cost_per_document_usd)}</td>
                <td className="num">
                  <Tooltip label={explain(row)} multiline maw={340}>
                    <span>{money(row.cost_usd)}</span>
                  </Tooltip>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text size="sm" mt="xs">
        {free
          ? 'It costs nothing: the model is free.'
          : `Probably ${money(estimate.low_usd)} to ${money(estimate.high_usd)}; recommended budget ${money(estimate.recommended_budget_usd)}.`}{' '}
        About {duration(Math.max(1, estimate.duration_ms / 1000))},{' '}
        {bounds[estimate.bound_by] ?? words(estimate.bound_by)}.
      </Text>
      {estimate.hedges_usd > 0 && (
        <Text size="sm" c="dimmed">
          Of it up to {money(estimate.hedges_usd)} for second calls beside hanging ones.
        </Text>
      )}
      {estimate.fallbacks.map((fallback) => (
        <Text size="sm" key={fallback.model} c="dimmed">
          About {money(fallback.cost_usd)} if {fallback.model} answers all of it.
        </Text>
      ))}
      {unreadable.map(([code, documents]) => (
        <Text size="sm" key={code} c="orange">
          {counted(documents, 'document')} cannot be read and will fail: {words(code)}.
        </Text>
      ))}
    </>
  );
}
