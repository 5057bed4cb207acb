export interface ApiAnswer { status: number; headers: Headers; text: string }

/** The public REST API as an integrator's script would call it. */
export class ApiClient {
  constructor(readonly url: string, private readonly apiKey: string) {}

  get<T>(path: string): Promise<T> { return this.request<T>('GET', path); }
  post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> { return this.request<T>('POST', path, body, headers); }
  patch<T>(path: string, body: unknown): Promise<T> { return this.request<T>('PATCH', path, body); }

  async bytes(path: string): Promise<Buffer> {
    const response = await fetch(`${this.url}${path}`, { headers: { 'x-api-key': this.apiKey } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** The call's timeline as server-sent events, until the call has ended. */
  async *events(sessionId: string): AsyncIterable<{ at: string; type: string; data: Record<string, unknown> }> {
    const response = await fetch(`${this.url}/api/v1/calls/${sessionId}/events`, { headers: { 'x-api-key': this.apiKey, accept: 'text/event-stream' } });
    if (!response.ok || !response.body) throw new Error(`the call's events cannot be followed: ${response.status}`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = text.slice(0, end).split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('');
        text = text.slice(end + 2);
        if (!data) continue;
        const event = JSON.parse(data) as { at: string; type: string; data: Record<string, unknown> };
        yield event;
        if (event.type === 'call.ended') return;
      }
    }
  }

  /** The answer whatever it is; `body` is sent as it is when it is text. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method, headers: { 'x-api-key': this.apiKey, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  private async request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const { status, text } = await this.ask(method, path, body, headers);
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
