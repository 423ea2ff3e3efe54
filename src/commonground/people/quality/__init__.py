"""How good the links are and for whom they fail, as a report after GUILD (Gilbert and others 2018)."""
