/** Answers in the form that Tenon's errors have everywhere: a stable code, and words for people. */

export function answer(status: number, body: unknown, headers: HeadersInit = {}): Response {
  return Response.json(body, { status, headers });
}

export function refusal(
  status: number,
  code: string,
  message: string,
  headers: HeadersInit = {},
): Response {
  return answer(status, { code, message, details: null, hint: null }, headers);
}

/** Only `method` is answered. */
export function wrongMethod(request: Request, method: string): Response | null {
  return request.method === method ? null : refusal(
    405,
    "function.method_not_allowed",
    `Only ${method} is answered here.`,
    { allow: method },
  );
}

/** The body as text, or null when it is longer than `limit_bytes`, of which no more is read. */
export async function textUpTo(request: Request, limit_bytes: number): Promise<string | null> {
  const bytes: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > limit_bytes) return null;
    bytes.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of bytes) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole);
}
