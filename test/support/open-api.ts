/** The parts of an OpenAPI document that tests look at. */

export interface OpenApi {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: Described } };
}

interface Described {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: { readonly [type: string]: unknown } };
  readonly responses: { readonly [status: string]: DescribedResponse };
}

interface DescribedResponse {
  readonly description: string;
  readonly content?: { readonly [type: string]: unknown };
}

export interface ApiOperation extends Described {
  readonly method: string;
  readonly path: string;
}

export function operationsOf({ paths }: OpenApi): ApiOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ ...described, method, path })),
  );
}
