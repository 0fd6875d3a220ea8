import { Item } from './item';
import { NewItem } from './new-item';

// Rendered for each request, not once at build time.
export const dynamic = 'force-dynamic';

const BASE_URL = process.env.NEXT_PUBLIC_BASE_URL ?? `http://127.0.0.1:${process.env.PORT ?? 3000}`;

/** This page is the health check too, so it comes in time whatever becomes of the API. */
async function load() {
  try {
    const answer = await fetch(`${BASE_URL}/api/items`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
    const body = await answer.json();
    return answer.ok ? { items: body } : { items: [], trouble: body.message };
  } catch (error) {
    console.error(error);
    return { items: [], trouble: 'The API does not answer' };
  }
}

export default async function Page() {
  const { items, trouble } = await load();
  return (
    <main>
      <h1>Shop</h1>
      <NewItem />
      {trouble && <p role="alert">{trouble}</p>}
      <ul>
        {items.map((item) => (
          <Item key={item.id} {...item} />
        ))}
      </ul>
      <footer>release {process.env.RELEASE_ID ?? 'none'}</footer>
    </main>
  );
}
