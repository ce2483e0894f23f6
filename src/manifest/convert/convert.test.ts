import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLine } from '../line.ts';
import { type AnnotatedImage, type Annotations, boxFromEdges, ConvertError } from './annotations.ts';
import { fromCoco, toCoco } from './coco.ts';
import { fromCsv, toCsv } from './csv.ts';
import { fromLine, toLine } from './lines.ts';
import { fromVoc, toVoc } from './voc.ts';
import { fromYolo, readClassesTxt, readDataYaml, toYolo } from './yolo.ts';

const side = fc.integer({ min: 64, max: 4096 });
const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => text.trim() === text);
const span = (length: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: length }), fc.integer({ min: 0, max: length }))
    .map(([a, b]) => [Math.min(a, b), Math.abs(a - b)] as const);

const boxesImage = fc.record({ width: side, height: side }).chain((size) => {
  const box = fc
    .tuple(label, span(size.width), span(size.height))
    .map(([name, [left, width], [top, height]]) => ({ label: name, left, top, width, height }));
  return fc.array(box, { maxLength: 6 }).map((boxes) => ({ size, labels: [] as string[], boxes }));
});
const labelsImage = fc
  .uniqueArray(label, { maxLength: 4 })
  .map((labels) => ({ labels, boxes: [] as AnnotatedImage['boxes'] }));

function dataSet<T extends Omit<AnnotatedImage, 'path'>>(image: fc.Arbitrary<T>, kind: Annotations['kind']) {
  return fc.array(image, { maxLength: 5 }).map((images): Annotations => {
    const named = images.map((one, index) => ({ ...one, path: `folder/image, "${index}".jpg` }));
    const classes = [
      ...new Set(named.flatMap(({ labels, boxes }) => [...labels, ...boxes.map((b) => b.label)])),
    ];
    return { kind, images: named, classes: classes.sort(), notes: [] };
  });
}
const boxesSet = dataSet(boxesImage, 'boxes');
const labelsSet = dataSet(labelsImage, 'labels');

const lacking = (images: AnnotatedImage[]) => images.map(({ size: _, ...rest }) => rest);

test('boxes to COCO and back', () => {
  fc.assert(fc.property(boxesSet, (set) => void expect(fromCoco(toCoco(set))).toEqual(set)));
});

test('boxes to YOLO and back', () => {
  fc.assert(
    fc.property(boxesSet, (set) => {
      const { dataYaml, labelFiles } = toYolo(set);
      const names = set.classes.length > 0 ? readDataYaml(dataYaml) : [];
      expect(names).toEqual(set.classes);
      const boxes = set.images.map((image, index) => fromYolo(labelFiles[index]!, names, image.size!));
      expect(boxes).toEqual(set.images.map((image) => image.boxes));
    }),
  );
});

test('boxes to VOC and back', () => {
  fc.assert(fc.property(boxesSet, (set) => void expect(toVoc(set).map(fromVoc)).toEqual(set.images)));
});

test.each([
  ['boxes', boxesSet],
  ['labels', labelsSet],
])('%s to CSV and back', (_kind, sets) => {
  fc.assert(
    fc.property(sets, (set) => {
      const read = fromCsv(toCsv(set));
      expect(read.images).toEqual(lacking(set.images));
      expect(read.classes.toSorted()).toEqual(set.classes);
    }),
  );
});

test.each([
  ['boxes', boxesSet],
  ['labels', labelsSet],
])('%s to lines of a manifest, which are right, and back', (_kind, sets) => {
  fc.assert(
    fc.property(sets, ({ kind, classes, images }) => {
      for (const { path, ...image } of images) {
        const text = toLine(image, `s3://bucket/${path}`, { kind, classes, date: new Date() });
        const problems = parseLine(text).problems.map(({ code }) => code);
        const small = image.boxes.some((box) => Math.min(box.width, box.height) < 5);
        if (small) continue; // refused by the manifest's rules, rightly
        expect(problems.filter((code) => code.startsWith('ERROR'))).toEqual([]);
        expect(fromLine(text)).toEqual({ ...image, bucket: 'bucket', key: path });
      }
    }),
  );
});

test('an overhang of a pixel is cut off, a larger one kept', () => {
  const size = { width: 100, height: 80 };
  const box = boxFromEdges('a', { left: -0.7, top: -5, right: 101, bottom: 90 }, size);
  expect(box).toEqual({ label: 'a', left: 0, top: -5, width: 100, height: 95 });
});

test('VOC counts pixels from 1 and both corners in', () => {
  const text =
    '<annotation><filename>a.jpg</filename><size><width>100</width><height>80</height></size>' +
    '<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>100</xmax><ymax>1</ymax></bndbox></object></annotation>';
  expect(fromVoc(text).boxes).toEqual([{ label: 'dog', left: 0, top: 0, width: 100, height: 1 }]);
});

test('COCO: crowds and annotations without a box are left out, outlines ignored, and all is said', () => {
  const annotation = { image_id: 7, category_id: 3, bbox: [1, 2, 30.4, 40] };
  const set = fromCoco(
    JSON.stringify({
      images: [{ id: 7, file_name: 'a.jpg', width: 200, height: 100 }],
      annotations: [
        { ...annotation, iscrowd: 1 },
        { ...annotation, bbox: [] },
        { ...annotation, segmentation: [[1, 2, 3, 4, 5, 6]] },
      ],
      categories: [{ id: 3, name: 'dog', supercategory: 'animal' }],
    }),
  );
  expect(set.images[0]!.boxes).toEqual([{ label: 'dog', left: 1, top: 2, width: 30, height: 40 }]);
  expect(set.notes).toEqual([
    expect.stringContaining('1 crowd'),
    expect.stringContaining('1 annotations without a bbox'),
    expect.stringContaining('1 outlines'),
  ]);
});

test('YOLO: outlines become the boxes around them, names come in both forms', () => {
  const names = readDataYaml('nc: 2\nnames:\n  0: dog\n  1: cat\n');
  expect(names).toEqual(['dog', 'cat']);
  expect(readDataYaml('names: [dog, cat]')).toEqual(names);
  expect(readClassesTxt('dog\r\ncat\r\n\r\n')).toEqual(names);
  const box = { label: 'cat', left: 10, top: 20, width: 50, height: 40 };
  expect(fromYolo('1 0.1 0.2 0.6 0.2 0.6 0.6 0.1 0.6', names, { width: 100, height: 100 })).toEqual([box]);
});

test('CSV: the forms of the header', () => {
  const box = { label: 'dog', left: 10, top: 20, width: 30, height: 40 };
  expect(fromCsv('\ufeffImage,Label,left,top,width,height\r\na.jpg,dog,10,20,30,40\r\n').images).toEqual([
    { path: 'a.jpg', labels: [], boxes: [box] },
  ]);
  const tensorflow = 'filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,640,480,dog,10,20,40,60\n';
  expect(fromCsv(tensorflow).images[0]!.boxes).toEqual([box]);
  expect(fromCsv('image,label\na.jpg,"x, y"\na.jpg,z\nb.jpg,\n').images).toEqual([
    { path: 'a.jpg', labels: ['x, y', 'z'], boxes: [] },
    { path: 'b.jpg', labels: [], boxes: [] },
  ]);
});

/** Text of a format with a part cut out or another one put in. */
const broken = (text: string) =>
  fc
    .tuple(
      fc.nat(text.length),
      fc.nat(8),
      fc.oneof(fc.string(), fc.constantFrom('null', '{}', '[]', '-1', '1e999', '')),
    )
    .map(([at, length, other]) => text.slice(0, at) + other + text.slice(at + length));
const sample: Annotations = {
  kind: 'boxes',
  images: [
    {
      path: 'a.jpg',
      size: { width: 100, height: 80 },
      labels: [],
      boxes: [{ label: 'dog', left: 1, top: 2, width: 3, height: 4 }],
    },
  ],
  classes: ['dog'],
  notes: [],
};

test.each<[string, string, (text: string) => unknown]>([
  ['COCO', toCoco(sample), fromCoco],
  ['VOC', toVoc(sample)[0]!, fromVoc],
  ['CSV', toCsv(sample), fromCsv],
  ['YOLO', toYolo(sample).labelFiles[0]!, (text) => fromYolo(text, ['dog'], { width: 100, height: 80 })],
  ['data.yaml', toYolo(sample).dataYaml, readDataYaml],
])('broken %s is read or refused, and nothing else', (_name, text, convert) => {
  fc.assert(
    fc.property(broken(text), (input) => {
      try {
        convert(input);
      } catch (error) {
        expect(error).toBeInstanceOf(ConvertError);
      }
    }),
    { numRuns: 500 },
  );
});

const size = { width: 100, height: 100 };
const labelled: Annotations = {
  kind: 'labels',
  images: [{ path: 'a.jpg', size, labels: ['dog'], boxes: [] }],
  classes: ['dog'],
  notes: [],
};
const unsized: Annotations = {
  ...labelled,
  kind: 'boxes',
  images: [{ path: 'a.jpg', labels: [], boxes: [] }],
};
const coco = { images: [{ id: 1, file_name: 'a' }], annotations: [], categories: [] };
const ofImage = { image_id: 1, category_id: 1, bbox: [1, 1, 2, 2] };

test.each<[string, () => unknown, string]>([
  ['COCO that is no JSON', () => fromCoco('{'), 'not JSON'],
  ['COCO of another kind', () => fromCoco('{"images":[{"id":1}]}'), 'images.0.file_name'],
  [
    'COCO of an unknown image',
    () => fromCoco(JSON.stringify({ ...coco, annotations: [{ ...ofImage, image_id: 9 }] })),
    'image 9',
  ],
  [
    'COCO of an unknown category',
    () => fromCoco(JSON.stringify({ ...coco, annotations: [ofImage] })),
    'category 1',
  ],
  [
    'COCO with an id twice',
    () => fromCoco(JSON.stringify({ ...coco, images: [...coco.images, ...coco.images] })),
    'same id',
  ],
  ['COCO of labels', () => toCoco(labelled), '"dog"'],
  ['COCO without sizes', () => toCoco(unsized), 'size of a.jpg'],
  ['YOLO with words', () => fromYolo('0 1 1 1 1\nx 1 1 1 1', ['a'], size), 'Line 2'],
  ['YOLO with three numbers', () => fromYolo('0 0.1 0.1 0.1', ['a'], size), 'Line 1'],
  ['YOLO of an unknown class', () => fromYolo('4 0.1 0.1 0.1 0.1', ['a'], size), 'class 4'],
  ['YOLO of half a class', () => fromYolo('0.5 0.1 0.1 0.1 0.1', ['a'], size), 'class 0.5'],
  ['YOLO in pixels', () => fromYolo('0 50 50 20 20', ['a'], size), 'shares of the image'],
  ['YOLO of labels', () => toYolo(labelled), '"dog"'],
  ['data.yaml that is none', () => readDataYaml('names: [a'), 'not YAML'],
  ['data.yaml without names', () => readDataYaml('nc: 3'), 'no class names'],
  ['data.yaml with a gap', () => readDataYaml('names: {0: a, 2: b}'), 'no name of class 1'],
  ['data.yaml with a list for a name', () => readDataYaml('names: [a, [b]]'), '["b"]'],
  ['data.yaml with odd numbers', () => readDataYaml('names: {a: b}'), 'class number a'],
  ['classes.txt with a gap', () => readClassesTxt('a\n\nb'), 'line 2'],
  ['classes.txt without names', () => readClassesTxt('\n'), 'no class names'],
  ['VOC that is no XML', () => fromVoc('<annotation>'), 'not XML'],
  ['VOC with another root', () => fromVoc('<x/>'), 'root'],
  ['VOC without a file', () => fromVoc('<annotation/>'), 'no filename'],
  [
    'VOC with a nameless object',
    () => fromVoc('<annotation><filename>a</filename><object/></annotation>'),
    'no name',
  ],
  [
    'VOC without a box',
    () => fromVoc('<annotation><filename>a</filename><object><name>b</name></object></annotation>'),
    'no bndbox',
  ],
  [
    'VOC without an edge',
    () => fromVoc('<annotation><filename>a</filename><object><name>b</name><bndbox/></object></annotation>'),
    'number xmin',
  ],
  [
    'VOC of a name that XML lacks',
    () => toVoc({ ...labelled, images: [{ path: '\u0001', size, labels: [], boxes: [] }] }),
    '\\u0001',
  ],
  ['CSV without images', () => fromCsv('a,b\n1,2'), 'column "image"'],
  ['CSV without labels', () => fromCsv('image,b\n1,2'), 'column "label"'],
  ['CSV without anything', () => fromCsv(''), 'empty'],
  ['CSV with a long row', () => fromCsv('image,label\na,b\na,b,c'), 'line 3'],
  ['CSV with an open quote', () => fromCsv('image,label\n"a,b'), 'not a CSV table'],
  [
    'CSV with words for edges',
    () => fromCsv('image,label,left,top,width,height\na,b,1,2,x,4'),
    'width is "x"',
  ],
  ['CSV with an unnamed image', () => fromCsv('image,label\n,b'), 'Line 2'],
])('%s is refused with the place', (_name, convert, place) => {
  expect(convert).toThrow(ConvertError);
  expect(convert).toThrow(place);
});
