// Who is signed in, and what they may do. The server decides; the page only leaves out what it would refuse.
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';

export type Action = 'look' | 'read' | 'review' | 'run' | 'manage';

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: () => ask(api.GET('/api/v1/session')),
    staleTime: 60_000,
  });
}

/** Whether who is signed in may do this; as long as nobody knows, everything is shown. */
export function useMay(action: Action): boolean {
  const { data } = useSession();
  return data ? data.actions.includes(action) : true;
}
