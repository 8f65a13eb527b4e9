story: A participant dies with PREPARED on its disk and its vote unsaid: the hold is rebuilt, the YES goes out
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after writing PREPARED
settle s1 100.00 of li at care
expect east is down
expect east holds 70.00
restart east
expect s1 done
expect wang has 430.00
