"""What goes back to a department and what comes back from it: the return sheet and the correction loop.

Faults that intake found become items with a number that they keep; each delivery's items go back as a workbook; what
the department corrects there, or in a later delivery, closes them.

Other files of the room use parts of it (``replaced``, ``overlay``), so nothing is imported here: ``run`` has
``refresh``, ``make`` and ``close``, ``take`` has ``take``, ``shown`` has ``rates``, ``model`` the nouns.
"""
