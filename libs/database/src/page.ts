/** One page of a list, newest first. `nextCursor` is the id to go on after; null at the end. */
export interface Page<T> { data: T[]; nextCursor: string | null }
export interface PageRequest { limit: number; cursor?: string }

/** `where` and order of a page by id. One row more than asked tells whether there is a next page. */
export const pageArgs = ({ limit }: PageRequest): { orderBy: { id: 'desc' }; take: number } => ({ orderBy: { id: 'desc' }, take: limit + 1 });
export const pageWhere = ({ cursor }: PageRequest): { id?: { lt: string } } => (cursor === undefined ? {} : { id: { lt: cursor } });

export function pageOf<T extends { id: string }>(rows: T[], limit: number): Page<T> {
  const data = rows.slice(0, limit);
  return { data, nextCursor: rows.length > limit ? data[data.length - 1].id : null };
}
