story: A coordinator commits and tells one participant ABORT afterwards: an alarm, and nothing changes
about: participant COMMITTED, ABORT: violation
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect s1 COMMITTED at east
lie: care tells east ABORT of s1
expect alarm violation at east
expect s1 COMMITTED at east
expect wang has 430.00
