/**
 * @pure Every way in which the registry says no: Confluent's codes and texts (its class Errors and what throws it), on
 * which clients rely. The status is the first three digits of the code.
 */

export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return code3(this.code);
  }
}

function code3(code: number): number {
  return code >= 1000 ? Math.floor(code / 100) : code;
}

type Refusal = RegistryError;
const refusal = (code: number, message: string): Refusal => new RegistryError(code, message);

export const subjectNotFound = (subject: string): Refusal => refusal(40401, `Subject '${subject}' not found.`);
export const versionNotFound = (version: number): Refusal => refusal(40402, `Version ${version} not found.`);
export const schemaNotFound = (id?: number): Refusal =>
  refusal(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`);
export const subjectSoftDeleted = (subject: string): Refusal =>
  refusal(40404, `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`);
export const subjectNotSoftDeleted = (subject: string): Refusal =>
  refusal(40405, `Subject '${subject}' was not deleted first before being permanently deleted`);
export const versionSoftDeleted = (subject: string, version: number): Refusal =>
  refusal(40406, `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`);
export const versionNotSoftDeleted = (subject: string, version: number): Refusal =>
  refusal(40407, `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`);
export const compatibilityNotConfigured = (subject: string): Refusal =>
  refusal(40408, `Subject '${subject}' does not have subject-level compatibility configured`);
export const modeNotConfigured = (subject: string): Refusal =>
  refusal(40409, `Subject '${subject}' does not have subject-level mode configured`);
export const incompatibleSchema = (subject: string, messages: readonly string[]): Refusal =>
  refusal(
    409,
    `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: ` +
      `[${messages.join(', ')}]`,
  );
export const invalidSchema = (message: string): Refusal => refusal(42201, message);
export const invalidVersion = (version: string): Refusal =>
  refusal(
    42202,
    `The specified version '${version}' is not a valid version id. ` +
      'Allowed values are between [1, 2^31-1] and the string "latest"',
  );
export const invalidCompatibility = (): Refusal =>
  refusal(
    42203,
    'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, ' +
      'forward_transitive, and full_transitive',
  );
export const invalidMode = (
  message = 'Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, IMPORT',
): Refusal => refusal(42204, message);
export const notPermitted = (message: string): Refusal => refusal(42205, message);
export const referenceExists = (subject: string, version: number): Refusal =>
  refusal(
    42206,
    `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
  );
export const invalidSubject = (subject: string): Refusal =>
  refusal(42208, `The specified subject '${subject}' is not a valid.`);
export const schemaTooLarge = (): Refusal => refusal(42209, 'Register operation failed because schema is too large');
export const unprocessable = (message: string): Refusal => refusal(422, message);
export const storeError = (message: string): Refusal => refusal(50001, message);
export const timedOut = (message: string): Refusal => refusal(50002, message);
export const forwardingFailed = (message: string): Refusal => refusal(50003, message);
export const leaderWithoutHttp = (brokerId: number): Refusal =>
  refusal(
    50003,
    `Broker ${brokerId} leads the topic of the schemas and serves no HTTP: set http.listeners on it, as on every ` +
      'broker that may lead _schemas',
  );
export const leaderUnknown = (): Refusal => refusal(50004, 'Leader not known.');
