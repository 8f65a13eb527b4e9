story: A payer's node dies before it has written anything of a PREPARE: nothing is there, and the PREPARE that comes again is fresh
about: crash: participant before PREPARED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze east
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at home
crash east
expect nothing of s1 at east
restart east
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
