// The calls made for a document: what was asked, what came back, what it cost.
import { Badge, Code, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type DocDetail } from '../api/client';
import { clock, count, duration, money, words } from '../lib/format';
import { Loading, Trouble } from './parts';

export function Calls({ at, doc }: { at: { batch: string; document: number }; doc: DocDetail }) {
  const [asked, setAsked] = useState(false);
  const prompt = useQuery({
    queryKey: ['prompt', at],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/documents/{document}/prompt', { params: { path: at } })),
    enabled: asked,
    retry: false,
  });
  return (
    <Stack gap="sm">
      {doc.calls.length === 0 && (
        <Text size="sm">
          No call was made:{' '}
          {doc.state === 'completed' ? 'an answer paid for before was used again.' : 'its turn has not come.'}
        </Text>
      )}
      {doc.calls.map((call) => (
        <div key={call.number}>
          <Group gap="xs">
            <b>{call.number}</b>
            <Text size="sm">{call.model}</Text>
            <Badge
              size="sm"
              variant="light"
              color={call.error_code ? 'red' : call.outcome === 'answered' ? 'green' : 'gray'}
            >
              {words(call.error_code ?? call.outcome)}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed">
            {clock(call.started_at)} ·{' '}
            {call.latency_ms < 10_000 ? `${count(call.latency_ms)} ms` : duration(call.latency_ms / 1000)} ·{' '}
            {money(call.cost_usd)} of {money(call.reserved_usd)} held back ·{' '}
            {count(call.usage.input_tokens + call.usage.cached_input_tokens + call.usage.cache_write_tokens)} tokens in,{' '}
            {count(call.usage.output_tokens)} out
            {call.request_id && ` · ${call.request_id}`}
          </Text>
          {call.error && (
            <Text size="sm" c="red">
              {call.error}
            </Text>
          )}
          {call.raw_answer && (
            <details>
              <summary style={{ fontSize: 13 }}>The answer as it came</summary>
              <Code block className="wrap-any" style={{ whiteSpace: 'pre-wrap', maxHeight: 320, overflow: 'auto' }}>
                {call.raw_answer}
              </Code>
            </details>
          )}
        </div>
      ))}
      <details onToggle={(event) => event.currentTarget.open && setAsked(true)}>
        <summary style={{ fontSize: 13 }}>What the model is asked</summary>
        {prompt.isError && <Trouble error={prompt.error} />}
        {prompt.isPending && asked && <Loading rows={3} />}
        {prompt.data && (
          <Stack gap="xs">
            <Code block style={{ whiteSpace: 'pre-wrap', maxHeight: 240, overflow: 'auto' }}>
              {prompt.data.system}
            </Code>
            {prompt.data.parts.map((part, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parts are known by their place
              <div key={index}>
                <Text size="xs" c="dimmed">
                  Part {index + 1}: about {count(part.input_tokens)} tokens
                  {part.pictures > 0 && `, ${part.pictures} pictures`}
                </Text>
                <Code block style={{ whiteSpace: 'pre-wrap', maxHeight: 320, overflow: 'auto' }}>
                  {part.text}
                </Code>
              </div>
            ))}
          </Stack>
        )}
      </details>
    </Stack>
  );
}
