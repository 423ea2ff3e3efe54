"""The core of linkage: tables to columns of integers, pairs found and compared in one SQL statement a rule.

``texts`` reads Arrow's text buffers as arrays; ``namecodes``, ``numbercodes`` and ``codes`` make the integer columns;
``levels`` says in SQL, of two rows of such columns, on what level they agree; ``counts`` counts values; ``join`` finds
and compares the pairs on the engine. Everything that leaves the engine is an integer, so that engines, threads and the
order of rows cannot change a weight. A pair that SQL cannot judge (a name typed in pinyin, a damaged number) comes out
with the level ``ASK`` and is judged by the exact comparison of its field.
"""
