story: Both participants die with their vote said: each asks after its own restart
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after sending vote
crash home after sending vote
settle s1 100.00 of li at care
expect s1 done
expect east is down
expect home is down
restart home
expect s1 COMMITTED at home
for 10s expect s1 PREPARED at east
restart east
expect s1 COMMITTED at east
expect li has 0.00
expect wang has 430.00
