"""Makes 云岭市 (Yunling), a small invented city, so that the first command works anywhere; public names: ``make_demo``.

Nine datasets of five departments, about 18,000 persons of whom 6,000 are children, 42 schools in two districts and
five counties, two school years. Everything is drawn from one seed. This room writes files as departments would and
knows nothing of how they are read: it shares no table and no code with ``intake``, ``people`` or ``variables``.

What is planted in the marks, in standard deviations (``schooling.EFFECTS``; the truth is kept in ``truth/``):

- intake 0.60, parents' education and means 0.08, girls +0.15 in Chinese, 0 in mathematics, +0.20 in English;
- both parents away -0.13, mother away -0.10, father away 0, migrant -0.05;
- a slope of "parents away" by school: SD 0.12, +0.06 for each SD of teacher-pupil interaction, and +0.35 in about
  one school in seven, where children whose parents are away do better than the rest (the slopes are centred);
- school factors for each SD: interaction 0.20, after-school programme 0.10, certified head teachers 0.08, sessions
  with parents and grandparents 0.06, class size -0.03, computers 0 (a true null);
- boarding +0.10 for children with one parent away; classmates' background 0.35 for each SD of the school's mean;
- lasting school residual SD 0.15, yearly residual SD 0.16, counties SD 0.12, pupils' noise SD 0.50.
"""

from commonground.demo.make import make_demo

__all__ = ["make_demo"]
