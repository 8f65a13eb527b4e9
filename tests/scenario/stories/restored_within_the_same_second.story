story: A store is put back within the second in which its node last started: its epoch is taken, and it finds that out too
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
restore east
restart east
expect alarm resync_needed at east
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
