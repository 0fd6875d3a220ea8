'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Picture } from './item';

async function post(path, type, body) {
  const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': type }, body });
  // What answers in the API's place, such as a load balancer, does not speak JSON.
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(said.message ?? `${path} answered ${answer.status}`);
  }
  return said;
}

export function NewItem() {
  const router = useRouter();
  const [picture, setPicture] = useState(null);
  const [trouble, setTrouble] = useState(null);

  async function attempt(action) {
    setTrouble(null);
    await action().catch((error) => setTrouble(error.message));
  }

  const upload = (file) =>
    attempt(async () => {
      const { key } = await post('/api/uploads', file.type, file);
      setPicture(key);
    });

  const add = (form) =>
    attempt(async () => {
      const title = new FormData(form).get('title');
      await post('/api/items', 'application/json', JSON.stringify({ title, picture }));
      form.reset();
      setPicture(null);
      router.refresh();
    });

  function submit(event) {
    event.preventDefault();
    add(event.currentTarget);
  }

  return (
    <form onSubmit={submit}>
      <input name="title" placeholder="What is new?" maxLength={100} required />
      <input
        type="file"
        aria-label="Picture"
        accept="image/gif, image/jpeg, image/png, image/webp"
        onChange={({ target }) => target.files.length > 0 && upload(target.files[0])}
      />
      <button>Add</button>
      {picture && <Picture name={picture} alt="Your picture" />}
      {trouble && <p role="alert">{trouble}</p>}
    </form>
  );
}
