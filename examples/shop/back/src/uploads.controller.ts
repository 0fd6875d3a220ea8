import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Body, Controller, Post, ServiceUnavailableException, UnsupportedMediaTypeException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { unavailable } from './unavailable';

const FOLDER = 'uploads/stories/';

// What a file is, its first bytes say. Its name and type are the sender's word, and the bucket is public.
const SIGNATURES = {
  gif: /^GIF8[79]a/,
  jpeg: /^\xff\xd8\xff/,
  png: /^\x89PNG\r\n\x1a\n/,
  webp: /^RIFF[^]{4}WEBP/,
};

export function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^uploads\/stories\/[0-9a-f-]{36}\.(gif|jpeg|png|webp)$/.test(value);
}

@Controller('uploads')
export class UploadsController {
  private readonly endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  // Region, endpoint and credentials are found by the SDK. An endpoint of one's own has no name for each bucket.
  private readonly s3 = new S3Client({ forcePathStyle: this.endpoint !== undefined });

  @Post()
  async upload(@Body() body: unknown) {
    const start = Buffer.isBuffer(body) ? body.subarray(0, 12).toString('latin1') : '';
    const kind = Object.entries(SIGNATURES).find(([, signature]) => signature.test(start))?.[0];
    if (!Buffer.isBuffer(body) || kind === undefined) {
      throw new UnsupportedMediaTypeException('Send a GIF, JPEG, PNG or WebP picture as the body, as image/…');
    }
    const bucket = process.env.S3_BUCKET;
    if (!bucket) {
      throw new ServiceUnavailableException('S3_BUCKET is not set');
    }
    const key = `${FOLDER}${randomUUID()}.${kind}`;
    // No ACL: buckets refuse them since 2023. The bucket's policy makes pictures public.
    const picture = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: `image/${kind}` });
    try {
      await this.s3.send(picture);
    } catch (error) {
      throw unavailable('The bucket does not take it', error);
    }
    return { key, url: `${this.address(bucket)}/${key}` };
  }

  private address(bucket: string) {
    return this.endpoint ? `${this.endpoint}/${bucket}` : `https://${bucket}.s3.${process.env.AWS_REGION}.amazonaws.com`;
  }
}
