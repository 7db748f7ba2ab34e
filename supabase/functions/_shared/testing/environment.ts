/** Variables as Deno.env gives them, without touching those of the process. */
export const environment = (variables: Record<string, string>) => ({
  get: (name: string): string | undefined => variables[name],
});

/** A token with these claims and a signature that is none. */
export function forgedToken(claims: Record<string, unknown>): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** Runs something with every line of the console collected instead of printed. */
export async function linesLogged(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const methods = ["log", "info", "warn", "error", "debug"] as const;
  const kept = methods.map((method) => console[method]);
  for (const method of methods) {
    console[method] = (...values: unknown[]) =>
      lines.push(values.map((value) => Deno.inspect(value)).join(" "));
  }
  try {
    await run();
  } finally {
    methods.forEach((method, position) => console[method] = kept[position]);
  }
  return lines.join("\n");
}
