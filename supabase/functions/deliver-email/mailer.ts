/** One way to send mail, whoever carries it. */
import type { EmailRequest, Outcome } from "../_shared/delivery.ts";
import { resendMailer, type ResendSettings } from "./resend.ts";
import { smtpMailer } from "./smtp.ts";
import { smtpSettings } from "./smtp_settings.ts";

export interface Mailer {
  /** Sends once. Whatever happens is an outcome, within `timeout_ms`. */
  send(mail: EmailRequest): Promise<Outcome>;
  timeout_ms: number;
  /** How many mails it carries at once. */
  concurrency: number;
  close(): void;
}

/** Nothing says how to send. */
export class MailerMissing extends Error {
  constructor() {
    super("set SMTP_URL, or SMTP_HOST, or RESEND_API_KEY");
    this.name = "MailerMissing";
  }
}

/** The mailer that the environment asks for: SMTP if it is named, else Resend. */
export function mailerFrom(environment: { get(name: string): string | undefined }): Mailer {
  const smtp = smtpSettings(environment);
  if (smtp) return smtpMailer(smtp);
  const key = environment.get("RESEND_API_KEY");
  if (!key) throw new MailerMissing();
  const settings: ResendSettings = { key, url: environment.get("RESEND_URL") || undefined };
  return resendMailer(settings);
}
