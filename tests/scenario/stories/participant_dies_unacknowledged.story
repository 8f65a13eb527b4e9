story: A payer's node has posted, its ACK does not get through, and it dies: it acknowledges again after its start
about: crash: participant around COMMITTED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
wait 200ms
cut words of east to care
thaw home
expect s1 done
expect s1 COMMITTED at east
for 2s expect s1 not ENDED at care
crash east
heal east and care
restart east
expect s1 ENDED at care
expect wang has 430.00
