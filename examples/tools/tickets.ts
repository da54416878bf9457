// Two tools for a ticket system. perdure.yaml: `toolsFolder: tools`, and in an agent `tools: [find_tickets, create_ticket]`.
import { defineTool, ToolError, z } from 'perdure/tools';

const BASE = 'https://tickets.example.com/api';

const findTickets = defineTool({
  name: 'find_tickets',
  description: 'Finds open tickets by words in their title.',
  input: z.object({ words: z.string().min(1), most: z.number().int().max(50).default(10) }),
  output: z.array(z.object({ id: z.string(), title: z.string() })),
  // Changes nothing: tried again when it fails.
  effect: 'read',
  timeoutMs: 10_000,
  secrets: ['TICKETS_TOKEN'],
  async execute({ words, most }, { secret, signal }) {
    const response = await fetch(`${BASE}/tickets?q=${encodeURIComponent(words)}&limit=${most}`, {
      headers: { authorization: `Bearer ${secret('TICKETS_TOKEN')}` },
      signal,
    });
    if (!response.ok) throw new Error(`The ticket system answered ${response.status}.`);
    return response.json();
  },
});

const createTicket = defineTool({
  name: 'create_ticket',
  description: 'Creates a ticket that the person has agreed to.',
  input: z.object({ title: z.string().max(200), text: z.string() }),
  // The ticket system knows a repeat by its key: as often as this is sent, there is one ticket.
  effect: 'keyed',
  approval: 'always',
  secrets: ['TICKETS_TOKEN'],
  async execute(ticket, { secret, signal, idempotencyKey, progress }) {
    progress('Sending the ticket');
    const response = await fetch(`${BASE}/tickets`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${secret('TICKETS_TOKEN')}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify(ticket),
      signal,
    });
    // The model reads this, and nothing is tried again.
    if (response.status === 422) throw new ToolError(`Refused: ${await response.text()}`);
    if (!response.ok) throw new Error(`The ticket system answered ${response.status}.`);
    return response.json();
  },
});

export default [findTickets, createTicket];
