/** One server-sent event. */
export interface EventMessage {
  /** For resuming after it; absent where the server names none. */
  readonly id?: string
  readonly event: string
  /** Its data, parsed. */
  readonly data: unknown
}

/** The events of a response of type `text/event-stream`, as the HTML standard reads them; JSON in each one's data. */
export async function* eventsOf(response: Response): AsyncGenerator<EventMessage, void, void> {
  let id: string | undefined
  let event = ''
  let data: string[] = []
  for await (const line of linesOf(response)) {
    if (line === '') {
      if (data.length > 0) {
        const known = id === undefined ? {} : { id }
        yield {
          ...known,
          event: event === '' ? 'message' : event,
          data: JSON.parse(data.join('\n')),
        }
      }
      event = ''
      data = []
      continue
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id') id = value
  }
}

async function* linesOf({ body }: Response): AsyncGenerator<string, void, void> {
  if (body === null) return
  const reader = body.getReader() // Safari cannot iterate a body
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const [first, ...others] = decoder.decode(value, { stream: true }).split('\n')
      rest += first
      for (const part of others) {
        yield rest.endsWith('\r') ? rest.slice(0, -1) : rest
        rest = part
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined) // what broke it is thrown already
  }
}
