/** Sends the mails that are due: the database has rendered them and handed them out. */
import { refusal } from "../_shared/answer.ts";
import type { EmailRequest } from "../_shared/delivery.ts";
import { answerByDrain, type DrainDependencies } from "../_shared/drain_request.ts";
import type { Mailer } from "./mailer.ts";

export interface Dependencies extends DrainDependencies<EmailRequest> {
  /** Null where nothing says how to send: then nothing is claimed, and the mails wait. */
  mailer: Mailer | null;
}

export function handle(
  request: Request,
  { mailer, limits, ...dependencies }: Dependencies,
): Promise<Response> {
  if (!mailer) {
    return Promise.resolve(refusal(
      503,
      "function.mailer_missing",
      "How mail is sent is not set: SMTP_URL, or SMTP_HOST, or RESEND_API_KEY.",
    ));
  }
  return answerByDrain<EmailRequest>(
    request,
    { ...dependencies, limits: { ...limits, concurrency: mailer.concurrency } },
    { send: (mail) => mailer.send(mail), timeout_ms: () => mailer.timeout_ms },
  );
}
