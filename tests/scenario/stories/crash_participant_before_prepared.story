story: A participant's disk fails at PREPARED: the process ends, nothing is there, a PREPARE that comes again is fresh
about: crash: participant before PREPARED is flushed
about: disk: an error at a flush ends the process
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east before writing PREPARED
settle s1 100.00 of li at care
expect east is down
expect nothing of s1 at east
restart east
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
