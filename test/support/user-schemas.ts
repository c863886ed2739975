/** A record in two versions that go together and one that does not, and what is sent to register them. */
export const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
export const user = (...fields: unknown[]) => ({ type: 'record', name: 'User', fields });
export const V1 = user(field('id', 'int'), field('name', 'string'));
export const V2 = user(field('id', 'int'), field('name', 'string'), field('email', 'string', { default: '' }));
export const MISFIT = user(field('id', 'string'));
export const text = (schema: unknown) => JSON.stringify(schema);
export const body = (schema: unknown, more: object = {}) => ({ schema: text(schema), ...more });
