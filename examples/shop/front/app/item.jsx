import Image from 'next/image';

export function Item({ title, picture }) {
  return (
    <li>
      {picture && <Picture name={picture} alt={title} />}
      {title}
    </li>
  );
}

export function Picture({ name, alt }) {
  return <Image src={`${process.env.NEXT_PUBLIC_S3_URL}/${name}`} alt={alt} width={160} height={120} />;
}
