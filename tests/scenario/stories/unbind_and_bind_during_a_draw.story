story: A payer revokes and binds again while a draw is prepared: the old draw is paid, the new relation pays after it
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
unbind u1 of wang_li by the payer
expect u1 done
thaw home
expect s1 done
expect binding wang_li ended at home
bind b2 wang pays for li at home
expect b2 done
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
expect wang has 420.00
refund r1 70.00 of s1
expect r1 done
expect wang has 420.00
expect wang has 70.00 in suspense
