story: The home dies after its vote and the line to it is cut when it starts: it waits, the payer's node does not
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze east
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at home
crash home
cut care from home
thaw east
expect s1 done
expect s1 COMMITTED at east
restart home
for 8s expect s1 PREPARED at home
heal care and home
expect s1 COMMITTED at home
expect li has 0.00
expect wang has 430.00
