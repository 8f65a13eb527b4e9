story: A payer's node hangs after its vote: the client hears done, the node posts when it goes on
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
freeze east
thaw home
expect s1 done
for 2s expect s1 not ENDED at care
thaw east
expect s1 ENDED at care
expect wang has 430.00
