import type { ContentErrorCode, FileErrorCode, LineErrorCode, LineWarningCode } from '../manifest/codes.ts';

const FILE: Record<FileErrorCode, string> = {
  ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT:
    'The file must be there and be text in UTF-8, with one JSON object per line. Look at the path, and save it as UTF-8.',
  ERROR_EMPTY_MANIFEST:
    'The file has no line. "ocellus dataset import" writes a manifest of annotated images.',
  ERROR_MANIFEST_SIZE_TOO_LARGE: 'A manifest may have 1 GB. Leave images out.',
  ERROR_INVALID_PERMISSIONS_MANIFEST_S3_BUCKET: 'Let the user that the server runs as read the file.',
  ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET:
    'Make the output bucket, or let the user that the server runs as write to it.',
  ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM: 'A manifest may have 250,000 lines. Leave images out.',
  ERROR_TOO_MANY_RECORDS_IN_ERROR: 'Repair the lines named here, or leave them out.',
  ERROR_MANIFEST_TOO_MANY_LABELS:
    'There may be 250 labels. Join some, and look for the same label in two spellings.',
  ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE:
    'Add images: each label needs two or more, to have one in each of the two sets.',
};

const CONTENT: Record<ContentErrorCode, string> = {
  ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST:
    'Repair the lines named here, or leave them out: at most one in five may be invalid.',
  ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS: 'Copy the images into one bucket and name it in every source-ref.',
  ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET:
    "Make the bucket that the source-refs name (a folder in the server's buckets), or let the server read it.",
  ERROR_INVALID_IMAGES_S3_BUCKET_OWNER: 'Keep the images in a bucket of the account that owns the manifest.',
  ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT:
    'Add images until most labels have two or more (better fifty), or give test images of your own: --test.',
  ERROR_MANIFEST_TOO_FEW_LABELS:
    'Add images with other labels: a model of image-level labels needs two, of boxes one. Against "nothing of it" a label "other" helps.',
  ERROR_MANIFEST_TOO_MANY_LABELS: FILE.ERROR_MANIFEST_TOO_MANY_LABELS,
  ERROR_INSUFFICIENT_LABEL_OVERLAP:
    'Look for labels that are spelt differently in the two manifests (case counts), and add test images of the labels that lack them.',
  ERROR_MANIFEST_TOO_FEW_USABLE_LABELS:
    'The labels are of two kinds, image-level and boxes, and a model learns one of them. Give every image the same kind.',
  ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP:
    'Give the images of both manifests the same kind of labels, spelt the same way.',
  ERROR_FAILED_IMAGES_S3_COPY:
    'None of the images could be read. Look whether the source-refs name the right bucket and folder.',
  ERROR_TOO_MANY_RECORDS_IN_ERROR: FILE.ERROR_TOO_MANY_RECORDS_IN_ERROR,
};

const LINE: Record<LineErrorCode, string> = {
  ERROR_MISSING_SOURCE_REF:
    'Add "source-ref": "s3://BUCKET/KEY" of the image. The key is spelt so, in small letters.',
  ERROR_INVALID_SOURCE_REF_FORMAT:
    'Write the source-ref as "s3://BUCKET/KEY": no path of a file, no web address.',
  ERROR_NO_LABEL_ATTRIBUTES:
    'Each label attribute needs its metadata beside it, named the same with "-metadata" at the end.',
  ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT:
    'An image-level attribute is a whole number; one of boxes has "image_size": [{"width", "height", "depth"}], whole numbers, and "annotations" with "class_id", "left", "top", "width" and "height".',
  ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT:
    'The metadata needs "type", "human-annotated" ("yes" or "no") and "creation-date"; of an image-level label also "class-name" and "confidence" (0–1), of boxes "class-map" and "objects".',
  ERROR_NO_VALID_LABEL_ATTRIBUTES: 'Repair what else this line is named for.',
  ERROR_MISSING_BOUNDING_BOX_CONFIDENCE: 'Give "objects" in the metadata one {"confidence": 1} for each box.',
  ERROR_MISSING_CLASS_MAP_ID: 'Add the class_id of the box, as text, to "class-map" in the metadata.',
  ERROR_INVALID_JSON_LINE:
    'Each line is one whole JSON object: no line breaks in it, no comma after it, no blank lines, at most 100,000 characters.',
  ERROR_INVALID_IMAGE:
    'The image must be there and be a whole JPEG or PNG of at most 15 MB, 64–4096 pixels a side, less than 20 times as long as wide.',
  ERROR_INVALID_IMAGE_DIMENSION:
    'An image with boxes must have 64–4096 pixels a side: resize it, and its boxes and image_size with it.',
  ERROR_INVALID_BOUNDING_BOX:
    'The box must be inside the image. Boxes are in pixels of image_size: look whether that is the size they were drawn on.',
  ERROR_NO_VALID_ANNOTATIONS: 'Repair a box of the line, or take the boxes out.',
  ERROR_BOUNDING_BOX_TOO_SMALL:
    'A box must be more than one pixel wide and high, also when the image is scaled down to 1280 pixels. Take it out.',
  ERROR_TOO_MANY_BOUNDING_BOXES: 'An image may have 50 boxes: cut it into several images.',
  ERROR_UNSUPPORTED_USE_CASE_TYPE:
    'The "type" must be groundtruth/image-classification or groundtruth/object-detection; masks are not supported.',
  ERROR_INVALID_LABEL_NAME_LENGTH: 'Shorten the label to 256 characters.',
};

const WARNING: Record<LineWarningCode, string> = {
  WARNING_UNANNOTATED_RECORD: 'The image has no label and is not used. Give it one, or leave it so.',
  WARNING_NO_ANNOTATIONS:
    'The image is not counted. A model that finds objects learns from it what is none; where it shows some, draw boxes.',
  WARNING_NO_ATTRIBUTE_ANNOTATIONS: 'This attribute has no boxes. Draw some, or leave it so.',
};

/** What to do about each error and warning of a manifest. */
export const ADVICE: Record<string, string> = {
  ...FILE,
  ...CONTENT,
  ...LINE,
  ...WARNING,
};
