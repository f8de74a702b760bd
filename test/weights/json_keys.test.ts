// The keys of a JSON object's text, in order and with repetitions, which JSON.parse drops.
import { expect, test } from 'vitest';
import { objectKeys } from '../../src/weights/format/json_keys.ts';

test('the keys of a JSON object come in order and with repetitions, whatever lies within the values', () => {
  const nested = '{"a": {"x": [1, "b", {"c": 2}]}, "b\\"": "}{", "a" : [ ] ,"":[{"d":1},"e"]}';
  expect(objectKeys(nested)).toEqual(['a', 'b"', 'a', '']);
  expect(objectKeys(' { } ')).toEqual([]);
  expect(objectKeys('{"\\\\":1,"\\u0061":2}')).toEqual(['\\', 'a']);
});
