const s3 = process.env.NEXT_PUBLIC_S3_URL;

/** @type {import('next').NextConfig} */
export default {
  images: {
    // From where next/image may fetch: the public pictures of our bucket and nothing else.
    remotePatterns: s3 ? [new URL(`${s3}/uploads/**`)] : [],
  },
  // On your own machine no load balancer hands /api to the backend.
  rewrites: async () =>
    process.env.NEXT_PUBLIC_BASE_URL
      ? []
      : [{ source: '/api/:path*', destination: 'http://127.0.0.1:9999/api/:path*' }],
};
