/**
 * What providers tell of their own accord: bounces, complaints, anything that an inbound source of a
 * tenant receives. Anyone may call; the database verifies the signature with the source's secret,
 * which it alone knows, and stores the body as it came.
 */
import { answer, refusal, textUpTo, wrongMethod } from "../_shared/answer.ts";
import { type Call, DatabaseError } from "../_shared/database.ts";

export interface Dependencies {
  /** Calls `v1` as the service role: nobody else may hand messages in. */
  call: Call;
}

/** What the database takes: four times what known providers send. */
const BODY_LIMIT_BYTES = 1_048_576;
const BODY_TIMEOUT_MS = 10_000;
const HEADER_LIMIT = 4_096;
const SOURCE = /\/provider-events\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;
/** Of the way that the message took, or of a browser; what a source signs can be in any other. */
const IRRELEVANT =
  /^(cookie|apikey|host|connection|forwarded|via|x-real-ip|x-client-info|accept.*|content-length|transfer-encoding)$|^(x-forwarded-|cf-|sb-|proxy-|sec-)/;

/** POST /provider-events/{source}: 2xx once the event is stored, or was there before. */
export async function handle(request: Request, { call }: Dependencies): Promise<Response> {
  const refused = wrongMethod(request, "POST");
  if (refused) return refused;
  const source = SOURCE.exec(new URL(request.url).pathname)?.[1];
  if (!source) {
    return refusal(404, "function.source_missing", "The path ends in the id of a source.");
  }
  const body = await inTime(textUpTo(request, BODY_LIMIT_BYTES).catch(() => undefined));
  if (body === undefined) return refusal(408, "function.body_late", "The body did not arrive.");
  if (body === null) {
    return refusal(413, "function.body_too_large", `A body has ${BODY_LIMIT_BYTES} bytes at most.`);
  }
  if (body.includes("\0")) {
    return refusal(400, "function.body_invalid", "The body is no text that could be stored.");
  }
  const headers = Object.fromEntries(
    [...request.headers].filter(([name, value]) =>
      !IRRELEVANT.test(name) && value.length <= HEADER_LIMIT
    ),
  );
  try {
    await call("receive_webhook", { source, headers, body });
    return answer(200, { received: true });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return answerTo(error);
  }
}

/** Providers send again after 5xx and 429, and give up after other refusals. */
function answerTo({ status, code, passing }: DatabaseError): Response {
  // A refusal of ours has a dotted code; others (grants, PostgREST) say that something is not set up.
  const ours = code.includes(".");
  if (passing || !ours) {
    return refusal(
      status === 429 ? 429 : 503,
      passing ? "function.database_unreachable" : code,
      "The event could not be taken now: send it again.",
      { "retry-after": "30" },
    );
  }
  return refusal(status, code, "The event was refused.");
}

/** The value, or undefined when it takes too long. */
async function inTime<T>(value: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), BODY_TIMEOUT_MS);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
