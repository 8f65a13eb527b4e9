story: The line to a payer is cut between vote and COMMIT: the decision arrives when it is back
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
cut care from east
thaw home
expect s1 done
for 8s expect east holds 70.00
heal care and east
expect s1 COMMITTED at east
expect wang has 430.00
